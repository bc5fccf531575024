"""Writes the dashboards of this folder as JSON: `write.py deploy/grafana/dashboards`."""

import json
import pathlib
import sys

from breaker import breaker
from fleet import fleet
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from parts import TRANSITION_TEXTS
from server import server

BOARDS = {"fleet": fleet, "breaker": breaker, "server": server}


def text_of(board):
    made = json.loads(JSONEncoder(sort_keys=True).encode(board().build()))
    for annotation in made.get("annotations", {}).get("list", []):
        annotation |= TRANSITION_TEXTS
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def main(folder):
    for name, board in BOARDS.items():
        (pathlib.Path(folder) / f"{name}.json").write_text(text_of(board))


if __name__ == "__main__":
    main(*sys.argv[1:])
