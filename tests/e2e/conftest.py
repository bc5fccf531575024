"""What end-to-end tests start from: real servers, and clients with connections of their own.

    FUSEBOX_SERVER_BINARY=build/release/server/fusebox \
    PYTHONPATH=build/stubs/python .tools/venv/bin/pytest tests/e2e
"""

import contextlib
import textwrap
import uuid

import pytest
from api import Api
from server_process import ServerProcess
from shifted_clock import WallClock, build_library


@pytest.fixture(scope="session")
def server():
    """One server with its defaults, for tests that take names of their own."""
    with ServerProcess() as process:
        yield process


@pytest.fixture
def start(tmp_path):
    """Starts servers that live as long as the test; `config` is the text of a file."""
    with contextlib.ExitStack() as stack:

        def start_one(*flags, config=None, **options):
            if config is not None:
                file = tmp_path / f"{uuid.uuid4().hex}.yaml"
                file.write_text(textwrap.dedent(config))
                flags = (*flags, f"--config={file}")
            return stack.enter_context(ServerProcess(*flags, **options))

        yield start_one


@pytest.fixture
def connect(server, start):
    """Makes clients of a server; after `start`, so that they are gone before it is told to stop."""
    with contextlib.ExitStack() as stack:

        def connect_one(to=server, **options):
            return stack.enter_context(Api(getattr(to, "address", to), **options))

        yield connect_one


@pytest.fixture
def api(connect):
    """A client of the server with its defaults."""
    return connect()


@pytest.fixture
def name():
    """A breaker that nobody else knows."""
    return f"e2e/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def shifted_clock_library(tmp_path_factory):
    return build_library(tmp_path_factory.mktemp("shifted_clock"))


@pytest.fixture
def wall_clock(shifted_clock_library, tmp_path):
    """A wall clock that can be set while its servers run."""
    return WallClock(shifted_clock_library, tmp_path / "shift")
