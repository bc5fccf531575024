"""external-api.yaml: endures the usual failures, retries them, and does as it is told."""

import random

import pytest
from fleet import FAILURE, SUCCESS, spread

BREAKER = "ext/shipping/quote"


def test_a_tenth_of_failures_does_not_open_it(fleet):
    chance = random.Random(10)
    for _ in range(600):
        fleet.advance(0.5)
        assert fleet.call(FAILURE if chance.random() < 0.1 else SUCCESS) == "CLOSED"


def test_at_a_call_a_second_an_outage_opens_it_after_ten(fleet):
    assert fleet.traffic(60, per_second=1, outcome=SUCCESS) is None
    assert fleet.traffic(20, per_second=1, outcome=FAILURE) == 10
    assert fleet.cause() == "CONSECUTIVE_FAILURES"


def fourteen_of_twenty_nine_fail(fleet):
    fleet.call(SUCCESS)
    for _ in range(14):
        fleet.call(FAILURE)
        assert fleet.call(SUCCESS) == "CLOSED"


def test_half_of_thirty_failures_open_it(fleet):
    fourteen_of_twenty_nine_fail(fleet)
    assert fleet.call(FAILURE) == "OPEN"
    assert fleet.cause() == "FAILURE_RATE"


def test_less_than_half_does_not_open_it(fleet):
    fourteen_of_twenty_nine_fail(fleet)
    fleet.call(SUCCESS)
    assert fleet.call(FAILURE) == "CLOSED"  # 15 of 31.
    assert fleet.call(FAILURE) == "OPEN"


@pytest.mark.parametrize(("later_s", "state"), [(53.9, "OPEN"), (60.1, "CLOSED")])
def test_a_minute_counts(fleet, later_s, state):
    fourteen_of_twenty_nine_fail(fleet)
    fleet.advance(later_s)
    assert fleet.call(FAILURE) == state


def test_one_node_with_a_broken_way_out_does_not_open_it(fleet):
    assert fleet.calls(60, FAILURE, client="node-1") == "CLOSED"
    assert fleet.call(FAILURE, client="node-2") == "OPEN"


def test_a_retry_after_that_two_processes_got_is_kept(fleet):
    limited = {"http_status": 429, "retry_after_s": 40}
    assert fleet.calls(5, client="node-1", **limited) == "CLOSED"
    assert fleet.call(client="node-2", **limited) == "OPEN"
    assert (fleet.cause(), fleet.wait_s()) == ("RETRY_AFTER", 40)


def test_a_retry_after_of_a_day_is_five_minutes(fleet):
    fleet.calls(2, http_status=429, retry_after_s=86400)
    assert fleet.wait_s() == 300


def test_waits_grow_from_a_quarter_of_a_minute_to_five(fleet):
    fleet.trip()
    middles = [15, 30, 60, 120, 240, 300, 300]
    assert spread(fleet.waits(len(middles)), middles, jitter=0.25, at_most=300)


def test_two_probes_at_once_close_it(fleet):
    fleet.trip()
    probes = fleet.probes()
    assert len(probes) == 2
    fleet.advance(29)  # The API is slow, and still in time.
    for probe in probes:
        assert fleet.state() == "HALF_OPEN"
        fleet.record(probe, SUCCESS)
    assert fleet.state() == "CLOSED"


def test_probes_in_hand_for_thirty_seconds_are_lost(fleet):
    fleet.trip()
    fleet.probes()
    fleet.advance(30)
    assert (fleet.state(), fleet.cause()) == ("OPEN", "PROBES_EXPIRED")


def test_recovers_over_twenty_seconds(fleet):
    fleet.trip()
    fleet.recover()
    assert fleet.admitted(2, per_second=50) == pytest.approx(0.24, abs=0.02)
    fleet.advance(18)
    assert fleet.admitted(1, per_second=50) == 1


def test_a_tenth_of_failures_can_be_retried_each_time(fleet):
    for _ in range(50):
        fleet.call(FAILURE)
        assert fleet.retry() == ""
        fleet.calls(9, SUCCESS)
        fleet.advance(1)


def test_a_quiet_caller_has_ten_retries_and_ten_successes_earn_two(fleet):
    assert [fleet.retry() for _ in range(11)] == [""] * 10 + ["RETRY_BUDGET"]
    fleet.calls(10, SUCCESS)
    assert [fleet.retry() for _ in range(3)] == ["", "", "RETRY_BUDGET"]
    fleet.advance(10)
    assert fleet.retry() == ""
