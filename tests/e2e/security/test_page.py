"""The page on security: what it tells people to type works, and its table is the truth."""

import pathlib
import re
import shlex
import subprocess

import grpc
from api import Api, error_of
from certificates import Pair
from clients import bearer, secure_channel
from fusebox.v1 import breaker_pb2 as pb
from methods import ROWS
from server_process import FREE_PORT

PAGE = (pathlib.Path(__file__).parents[3] / "docs/security.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


class Trust:
    """The page's authority, as clients here want it."""

    def __init__(self, folder):
        self.certificate = folder / "ca.crt"


def test_what_the_page_types_makes_a_server_that_knows_its_clients(start, tmp_path):
    *setup, run = BLOCKS
    script = "set -euo pipefail\n" + "\n".join(setup)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "ci.token").stat().st_mode & 0o077 == 0
    program, *flags = shlex.split(run.replace("\\\n", " "))
    assert program == "fusebox"
    position = flags.index("--listen")
    del flags[position : position + 2]
    paths = [str(tmp_path / flag) if "." in flag else flag for flag in flags]
    server = start(*paths, listen=(FREE_PORT,))

    pair = Pair(tmp_path / "payments.crt", tmp_path / "payments.key")
    token = bearer((tmp_path / "ci.token").read_text().strip())
    channels = [
        secure_channel(server.address, Trust(tmp_path), pair, interceptor)
        for interceptor in (None, token)
    ]
    with Api("", channel=channels[0]) as payments, Api("", channel=channels[1]) as ci:
        assert payments.allow("payments/a").decision == pb.DECISION_ALLOWED
        payments.allow("db/a")
        assert payments.get("payments/a").name == "payments/a"
        assert ci.get("payments/a").name == "payments/a"
        for client in (payments, ci):
            error = error_of(lambda client=client: client.get("db/a"))
            assert error.code == grpc.StatusCode.PERMISSION_DENIED


def test_the_table_has_every_method_with_its_role():
    table = dict(re.findall(r"^\| (\w+) \| (CALLER|READER|OPERATOR) \|", PAGE, re.MULTILINE))
    rows = {name: row.role for service in ROWS.values() for name, row in service.items()}
    assert table == rows


def test_the_page_names_flags_and_metrics_that_there_are(start, tls_flags, tmp_path):
    identities = tmp_path / "identities.yaml"
    identities.write_text("identities: []\n")
    server = start(*tls_flags(), f"--identities={identities}")
    metrics = server.get("/metrics")[1]
    for name in set(re.findall(r"fusebox_\w+", PAGE)):
        assert f"\n{name}" in metrics, name
