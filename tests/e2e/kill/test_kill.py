"""A server is killed again and again, and nothing is lost that was acknowledged.

    FUSEBOX_KILLS=1000    how often; a build does it less often
    FUSEBOX_KEPT_S=0.1    how old an outage is that must survive: a machine that is busy with a build
                          may leave the server without a processor for longer
    FUSEBOX_SEED=7        tells the same story again, as far as processes let it
"""

import os
import pathlib
import random
import signal
import subprocess
import time

import grpc
import pytest
from api import Api
from fleet import CONFIG, Fleet
from server_process import ServerProcess

KILLS = int(os.environ.get("FUSEBOX_KILLS", "60"))
SEED = int(os.environ.get("FUSEBOX_SEED", random.SystemRandom().randrange(2**32)))
LONGEST_ROUND_S = 0.4
SOURCE = pathlib.Path(__file__).parent / "failpoints.c"


@pytest.fixture(scope="session")
def failpoints(tmp_path_factory):
    """The library that kills a server in the middle of what it does to its files."""
    library = tmp_path_factory.mktemp("failpoints") / "failpoints.so"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return str(library)


def failpoint(rng, library):
    """Where the server dies: at some operation on its files, or at any instant."""
    kind = rng.choice(["any", "write", "sync", "truncate", "instant", "instant"])
    if kind == "instant":
        return {}
    when = rng.choice(["before", "after"])
    return {
        "LD_PRELOAD": library,
        "FAILPOINT": f"{kind}:{rng.randrange(1, 80)}:{when}",
        # A sanitizer wants to come first; it need not.
        "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:verify_asan_link_order=0",
    }


def start(flags, env):
    """A server; or None if it died while it started."""
    try:
        return ServerProcess(*flags, env=env)
    except AssertionError as failure:
        assert "exit code -9" in str(failure), failure
        return None


def kill(server, rng):
    """Lets it live for a moment, unless it dies before by itself, and says when it was dead."""
    deadline = time.monotonic() + rng.uniform(0.02, LONGEST_ROUND_S)
    try:
        server.process.wait(deadline - time.monotonic())
    except subprocess.TimeoutExpired:
        server.signal(signal.SIGKILL)
    killed = time.monotonic()
    assert server.wait() == -signal.SIGKILL
    return killed


def test_what_was_acknowledged_survives_every_kill(tmp_path, failpoints):
    print(f"FUSEBOX_SEED={SEED}")
    rng = random.Random(SEED)
    (tmp_path / "fusebox.yaml").write_text(CONFIG)
    flags = (f"--data-dir={tmp_path / 'data'}", f"--config={tmp_path / 'fusebox.yaml'}")
    fleet = Fleet(SEED)
    killed = time.monotonic()
    died_early = 0
    for _ in range(KILLS):
        server = start(flags, failpoint(rng, failpoints))
        if server is None:
            died_early += 1
            continue
        with Api(server.address) as api:
            try:
                fleet.check(api, killed)
            except grpc.RpcError:
                # At its failpoint, before it could be looked at.
                assert server.wait() == -signal.SIGKILL
                died_early += 1
                continue
            fleet.start(api)
            killed = kill(server, rng)
            fleet.join()
    with ServerProcess(*flags) as server, Api(server.address) as api:
        fleet.check(api, killed)
        assert api.info().not_durable == "" and api.info().store_report == ""
    assert died_early < KILLS / 2
