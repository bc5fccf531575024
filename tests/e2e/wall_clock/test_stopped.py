"""A server that was stopped for a while, as a laptop's lid or a debugger does, has lost no time."""

import signal
import subprocess

import pytest
from api import FAILURE, seconds
from fusebox.v1 import breaker_pb2 as pb
from timing import boottime

STOPPED_S = 20
HOUR_S = 3600

CONFIG = """
policies:
- name: short
  match: [short/*]
  circuit_breaker: {consecutive_failures: 1, open_duration: 10s}
- name: long
  match: [long/*]
  circuit_breaker: {consecutive_failures: 1, open_duration: 40s}
- name: window
  match: [window/*]
  circuit_breaker: {consecutive_failures: 0, minimum_calls: 100, window_duration: 10s}
- name: long-window
  match: [long-window/*]
  circuit_breaker: {consecutive_failures: 0, minimum_calls: 100, window_duration: 10m}
"""


def stop_for(process, duration_s):
    """Stops the process for so long; a process that is stopped does not end either."""
    process.signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.process.wait(duration_s)
    process.signal(signal.SIGCONT)


def test_waits_and_windows_ran_on_while_it_was_stopped(start, connect, wall_clock):
    process = start(config=CONFIG, env=wall_clock.environment)
    api = connect(process)
    before_trip = boottime()
    for name in ("short/a", "long/a", "window/a", "long-window/a"):
        api.call(name, FAILURE)
    after_trip = boottime()
    wall_clock.set(-HOUR_S)
    stop_for(process, STOPPED_S)

    assert api.get("short/a").state == pb.STATE_HALF_OPEN
    assert api.allow("short/a").probe
    before_look = boottime()
    long = api.get("long/a")
    after_look = boottime()
    assert long.state == pb.STATE_OPEN
    left = seconds(long.retry_after)
    assert 40 - (after_look - before_trip) <= left <= 40 - (before_look - after_trip)
    assert left <= 40 - STOPPED_S
    assert api.get("window/a").window.calls == 0
    assert api.get("long-window/a").window.failures == 1
