"""What the tests of deploy/policies start from: a fleet under the file that a module tests.

    FUSEBOX_SERVER_BINARY=build/release/server/fusebox \
    FUSEBOX_VIRTUAL_TIME_SERVER=build/release/tests/testing/virtual_time_server \
    PYTHONPATH=build/stubs/python .tools/venv/bin/pytest tests/deploy/policies

test_database.py tests database.yaml: its `fleet` calls its BREAKER, on a server of its own whose
time stands still.
"""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("e2e", "conformance")]
import virtual_time_server as vts
from files import file_of
from fleet import Fleet


@pytest.fixture(scope="session")
def control_stubs(tmp_path_factory):
    vts.generate_control_stubs(ROOT, tmp_path_factory.mktemp("stubs"))


@pytest.fixture
def fleet(request, control_stubs):
    config = f"--config={file_of(request.module.__name__)}"
    with vts.Server(config) as server, Fleet(server, request.module.BREAKER) as clients:
        yield clients
