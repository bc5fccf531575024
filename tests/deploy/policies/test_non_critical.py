"""non-critical.yaml: given up soon, left alone for long, never retried."""

import pytest
from fleet import FAILURE, SUCCESS, spread

BREAKER = "recommendations.v1.Recommender/AlsoBought"


def test_ten_failures_in_a_row_open_it_at_any_rate(fleet):
    for _ in range(9):
        assert fleet.call(FAILURE) == "CLOSED"
        fleet.advance(60)
    assert fleet.call(FAILURE) == "OPEN"
    assert fleet.cause() == "CONSECUTIVE_FAILURES"


def test_one_process_is_enough(fleet):
    assert fleet.calls(10, FAILURE, client="node-1") == "OPEN"


def test_eight_of_twenty_failures_open_it_and_seven_do_not(fleet):
    fleet.calls(7, FAILURE)
    assert fleet.calls(13, SUCCESS) == "CLOSED"
    fleet.advance(20)
    fleet.calls(8, FAILURE)
    assert fleet.calls(11, SUCCESS) == "CLOSED"
    assert fleet.call(SUCCESS) == "OPEN"
    assert fleet.cause() == "FAILURE_RATE"


@pytest.mark.parametrize(("later_s", "state"), [(8.9, "OPEN"), (10.1, "CLOSED")])
def test_ten_seconds_count(fleet, later_s, state):
    fleet.calls(8, FAILURE)
    fleet.calls(11, SUCCESS)
    fleet.advance(later_s)
    assert fleet.call(SUCCESS) == state


def test_slow_answers_open_it_though_they_succeed(fleet):
    fleet.calls(11, SUCCESS, latency_s=0.299)
    assert fleet.calls(10, SUCCESS, latency_s=0.3) == "CLOSED"
    assert fleet.call(SUCCESS, latency_s=0.3) == "OPEN"
    assert fleet.cause() == "SLOW_CALL_RATE"


def test_waits_grow_from_half_a_minute_to_five(fleet):
    fleet.trip()
    middles = [30, 60, 120, 240, 300, 300]
    assert spread(fleet.waits(len(middles)), middles, jitter=0.2, at_most=300)


def test_in_an_outage_of_an_hour_it_is_asked_about_fourteen_times(fleet):
    fleet.trip()
    waits = fleet.waits(25)
    asked = sum(sum(waits[: i + 1]) <= 3600 for i in range(len(waits)))
    assert 12 <= asked <= 18


def test_one_caller_at_a_time_finds_out_and_three_in_turn_close_it(fleet):
    fleet.trip()
    assert len(fleet.probes()) == 1
    fleet.advance(9.9)  # Its caller died.
    assert fleet.refusal() == "PROBES_BUSY"
    fleet.advance(0.1)
    assert (fleet.state(), fleet.cause()) == ("OPEN", "PROBES_EXPIRED")
    assert fleet.recover() == 3


def test_recovers_over_a_minute(fleet):
    fleet.trip()
    fleet.recover()
    assert fleet.admitted(6, per_second=40) == pytest.approx(0.0975, abs=0.01)
    fleet.advance(54)
    assert fleet.admitted(1, per_second=20) == 1


def test_it_is_never_retried(fleet):
    fleet.calls(100, SUCCESS)
    assert fleet.retry() == "RETRY_BUDGET"
