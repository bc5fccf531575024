"""What the tests of README.md start from: a server, and a program for each example.

    FUSEBOX_SERVER_BINARY=build/release/server/fusebox \
    FUSEBOXCTL_BINARY=build/release/client/cli/fuseboxctl \
    FUSEBOX_README_FRAME=build/release/tests/readme/readme_frame \
    PYTHONPATH=build/stubs/python .tools/venv/bin/pytest tests/readme
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from api import Api
from programs import MAKERS, Program
from server_process import ServerProcess


@pytest.fixture
def server():
    """A server of this test's own, as all examples name the same breaker."""
    with ServerProcess() as process:
        yield process


@pytest.fixture
def api(server):
    with Api(server.address) as client:
        yield client


@pytest.fixture(scope="session", params=MAKERS)
def program(request, tmp_path_factory):
    return Program(request.param, tmp_path_factory.mktemp(request.param))
