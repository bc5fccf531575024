"""The commands of "Run it" do what its text says, on a server with free ports."""

import os
import subprocess

from server_process import environment
from snippets import commands
from timing import PATIENCE_S

BLOCKS = [block for block in commands("Run it") if "fuseboxctl" in block]


def run(block, server):
    """Runs a block as a shell would whose 127.0.0.1:7400 and 7401 were this server's."""
    block = block.replace("build/release/client/cli/fuseboxctl", '"$FUSEBOXCTL_BINARY"')
    block = block.replace("127.0.0.1:7401", server.http)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment(
            FUSEBOX_SERVER=server.address,
            FUSEBOXCTL_BINARY=os.environ["FUSEBOXCTL_BINARY"],
            no_proxy="127.0.0.1",
        ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_there_are_commands_to_ask_and_to_trip():
    asks, trips = BLOCKS
    assert " allow " in asks
    assert " record " in trips and " get " in trips and "curl " in trips


def test_asks(server):
    assert "ALLOWED" in run(BLOCKS[0], server)


def test_trips_a_breaker_and_looks_at_it(server):
    lines = run(BLOCKS[1], server).splitlines()
    assert ["state", "OPEN"] in [line.split() for line in lines]
    assert [line for line in lines if line.startswith("fusebox_breaker_state{")] != []
