"""A wall clock that is set neither opens nor closes nor pins a breaker: all waits go on as before.

What should take a second or two is given TOLERANCE_S more, and no less than it should.
"""

import signal
import time

import pytest
from api import FAILURE, SUCCESS, seconds
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from timing import boottime, eventually

HOUR_S = 3600
TOLERANCE_S = 10

CONFIG = """
policies:
- name: opens
  match: [opens/*]
  circuit_breaker: {consecutive_failures: 1, open_duration: 2s}
- name: leases
  match: [leases/*]
  circuit_breaker:
    consecutive_failures: 1
    open_duration: 10ms
    max_probes: 2
    probe_timeout: 2s
- name: evicts
  match: [evicts/*]
  circuit_breaker:
    window_duration: 2s
    consecutive_failures: 0
    failure_rate_threshold: 1
    minimum_calls: 6
- name: keeps
  match: [keeps/*]
  circuit_breaker: {window_duration: 2m, consecutive_failures: 0, minimum_calls: 100}
- name: spends
  match: [spends/*]
  retry_budget: {retry_ratio: 0, min_retries_per_second: 1, window: 2s}
"""

both_ways = pytest.mark.parametrize("shift_s", [HOUR_S, -HOUR_S], ids=["ahead", "back"])


@pytest.fixture
def process(start, wall_clock):
    return start(config=CONFIG, env=wall_clock.environment)


@pytest.fixture
def api(process, connect):
    return connect(process)


def check_is_shifted(breaker, shift_s):
    """What it says of a moment ago is an hour off: the shift has reached the server."""
    shown = seconds(breaker.last_transition.time)
    assert abs(shown - (time.time() + shift_s)) < TOLERANCE_S + 2


@both_ways
def test_an_open_breaker_opens_its_door_neither_early_nor_late(api, wall_clock, shift_s):
    with api.watch("opens/*") as watch:
        before = boottime()
        api.call("opens/a", FAILURE)
        check_is_shifted(api.get("opens/a"), 0)
        wall_clock.set(shift_s)
        breaker = api.get("opens/a")
        check_is_shifted(breaker, shift_s)
        assert breaker.state == pb.STATE_OPEN
        assert 0 < seconds(breaker.retry_after) <= 2
        assert abs(seconds(breaker.open_until) - (time.time() + shift_s)) < TOLERANCE_S + 2
        half = watch.until(pb.STATE_HALF_OPEN)  # By itself: nobody asks.
    assert 2 <= boottime() - before < 2 + TOLERANCE_S
    assert half.last_transition.cause == admin_pb2.CAUSE_WAIT_OVER
    check_is_shifted(half, shift_s)


@both_ways
def test_a_breaker_that_opens_after_the_clock_was_set_waits_as_long_as_any(
    api, wall_clock, shift_s
):
    wall_clock.set(shift_s)
    before = boottime()
    with api.watch("opens/*") as watch:
        api.call("opens/b", FAILURE)
        check_is_shifted(api.get("opens/b"), shift_s)
        watch.until(pb.STATE_HALF_OPEN)
    assert 2 <= boottime() - before < 2 + TOLERANCE_S


def test_a_clock_that_is_set_again_and_again_moves_nothing(api, wall_clock):
    before = boottime()
    api.call("opens/c", FAILURE)
    shift_s = HOUR_S
    while (answer := api.allow("opens/c")).reason == pb.REASON_OPEN:
        wall_clock.set(shift_s := -shift_s)
        assert 0 <= seconds(answer.retry_after) <= 2
    assert 2 <= boottime() - before < 2 + TOLERANCE_S


# By a clock that stepped back, nothing would be evicted for an hour, and nothing trip.
@both_ways
def test_windows_still_evict_and_still_trip(api, wall_clock, shift_s):
    before = boottime()
    for _ in range(5):
        api.call("evicts/a", FAILURE)
        api.call("keeps/a", FAILURE)
    wall_clock.set(shift_s)
    assert api.get("keeps/a").window.failures == 5
    eventually(lambda: api.get("evicts/a").window.calls == 0, "the window is empty")
    # Nine of its ten buckets at least.
    assert 1.8 <= boottime() - before < 2 + TOLERANCE_S
    assert api.get("keeps/a").window.failures == 5
    for _ in range(6):
        state = api.call("evicts/a", FAILURE).state
    assert state == pb.STATE_OPEN
    check_is_shifted(api.get("evicts/a"), shift_s)


@both_ways
def test_leases_still_expire_and_not_early(api, wall_clock, shift_s):
    with api.watch("leases/*") as watch:
        api.call("leases/a", FAILURE)
        watch.until(pb.STATE_HALF_OPEN)
    before = boottime()
    assert api.allow("leases/a").probe
    wall_clock.set(shift_s)
    check_is_shifted(api.get("leases/a"), shift_s)
    eventually(lambda: api.get("leases/a").probes == 0, "the lease expires")
    assert 2 <= boottime() - before < 2 + TOLERANCE_S
    assert api.get("leases/a").state == pb.STATE_HALF_OPEN


@both_ways
def test_what_was_spent_of_a_budget_still_comes_back_and_not_early(api, wall_clock, shift_s):
    before = boottime()
    while api.allow("spends/a", attempt=2).decision == pb.DECISION_ALLOWED:
        assert boottime() < before + TOLERANCE_S
    wall_clock.set(shift_s)
    spent = api.get("spends/a").retry_budget.spent
    eventually(
        lambda: api.allow("spends/a", attempt=2).decision == pb.DECISION_ALLOWED,
        f"another retry after {spent}",
    )
    assert 1.8 <= boottime() - before < 2 + TOLERANCE_S


@both_ways
def test_a_drain_takes_as_long_as_told(start, connect, wall_clock, shift_s):
    process = start("--lame-duck=1s", "--drain-timeout=2s", env=wall_clock.environment)
    connect(process).call("a", SUCCESS)
    wall_clock.set(shift_s)
    before = boottime()
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert 1 <= boottime() - before < 2 + TOLERANCE_S
