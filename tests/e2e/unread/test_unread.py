"""Sessions whose clients never read cost the server no more, however much there is to tell them."""

import contextlib
import pathlib
import re
import signal
import subprocess
import sys

from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from session_client import Session
from timing import PATIENCE_S

SESSIONS = 200
BREAKERS = [f"unread/{number}" for number in range(20)]
KIB = 1024


@contextlib.contextmanager
def stopped_sessions(target):
    """A process with sessions that is stopped, so that nothing of what it is sent is taken."""
    program = pathlib.Path(__file__).with_name("never_reads.py")
    process = subprocess.Popen(
        [
            "setpriv", "--pdeathsig", "KILL", "--",
            sys.executable, program, target, str(SESSIONS), *BREAKERS,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * KIB


def tell_news(api, times):
    """Changes all of the breakers so many times."""
    for _ in range(times):
        api.admin.OverrideBreaker(
            admin_pb2.OverrideBreakerRequest(
                match="unread/*", mode=pb.OVERRIDE_MODE_FORCED_OPEN, reason="news"
            ),
            timeout=PATIENCE_S,
        )
        api.admin.ClearOverride(
            admin_pb2.ClearOverrideRequest(match="unread/*"), timeout=PATIENCE_S
        )


def test_sessions_that_never_read_are_bounded(connect, start):
    server = start("--store=MEMORY")
    api = connect(server)
    with stopped_sessions(server.address), Session(connect(server)) as reader:
        reader.subscribe(1, BREAKERS[0])
        reader.until_state(1, pb.STATE_CLOSED)
        tell_news(api, 200)  # What a connection holds by itself fills up.
        before = resident_bytes(server)
        tell_news(api, 600)
        grown = resident_bytes(server) - before
        # Each of them was owed 1,200 changes of each of 20 breakers, 24,000 states.
        assert grown / SESSIONS < 16 * KIB, grown
        # And who reads is told.
        api.admin.OverrideBreaker(
            admin_pb2.OverrideBreakerRequest(
                match=BREAKERS[0], mode=pb.OVERRIDE_MODE_FORCED_OPEN, reason="news"
            ),
            timeout=PATIENCE_S,
        )
        reader.hear(lambda: reader.states[1].override == pb.OVERRIDE_MODE_FORCED_OPEN)
