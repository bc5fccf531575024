"""llm.yaml: a limit that two processes met holds for all; an overload sends them elsewhere."""

import pytest
from fleet import FAILURE, SUCCESS, spread
from fusebox.v1 import breaker_pb2 as pb

BREAKER = "llm/claude-sonnet"
FALLBACK = "llm/claude-haiku"
LIMITED = {"http_status": 429, "retry_after_s": 20}
OVERLOADED = {"http_status": 529}


def test_a_retry_after_opens_for_the_fleet_once_two_processes_got_it(fleet):
    assert fleet.calls(15, client="node-1", **LIMITED) == "CLOSED"
    assert fleet.refusal() == ""
    assert fleet.call(client="node-2", **LIMITED) == "OPEN"
    assert (fleet.cause(), fleet.wait_s()) == ("RETRY_AFTER", 20)
    fleet.advance(19.9)
    assert fleet.refusal() == "OPEN"
    fleet.advance(0.1)
    assert fleet.refusal() == ""


@pytest.mark.parametrize(("apart_s", "state"), [(53.9, "OPEN"), (60.1, "CLOSED")])
def test_both_limits_must_come_within_a_minute(fleet, apart_s, state):
    fleet.call(client="node-1", **LIMITED)
    fleet.advance(apart_s)
    assert fleet.call(client="node-2", **LIMITED) == state


def test_a_retry_after_of_a_day_is_two_minutes(fleet):
    fleet.calls(2, http_status=429, retry_after_s=86400)
    assert fleet.wait_s() == 120


def test_429_is_a_limit_and_529_a_failure(fleet):
    for status, outcome in ((429, pb.OUTCOME_RATE_LIMITED), (529, pb.OUTCOME_FAILURE)):
        assert fleet.record(fleet.allow(), http_status=status).outcome == outcome


def test_five_529_in_a_row_open_it_and_429_between_them_do_not_matter(fleet):
    for _ in range(4):
        assert fleet.call(**OVERLOADED) == "CLOSED"
        assert fleet.call(http_status=429) == "CLOSED"
    assert fleet.call(**OVERLOADED) == "OPEN"
    assert fleet.cause() == "CONSECUTIVE_FAILURES"


def test_one_process_alone_does_not_open_it(fleet):
    assert fleet.calls(30, client="node-1", **OVERLOADED) == "CLOSED"
    assert fleet.call(client="node-2", **OVERLOADED) == "OPEN"


def test_429_that_say_no_time_open_it_when_they_are_half_of_the_calls(fleet):
    fleet.calls(10, http_status=429)
    assert fleet.calls(9, SUCCESS) == "CLOSED"
    assert fleet.call(SUCCESS) == "OPEN"
    assert fleet.cause() == "FAILURE_RATE"


def test_fewer_429_that_say_no_time_do_not_open_it(fleet):
    fleet.calls(11, SUCCESS)
    assert fleet.calls(10, http_status=429) == "CLOSED"
    assert fleet.call(http_status=429) == "OPEN"  # 11 of 22.


def test_another_model_goes_on(fleet):
    fleet.trip()
    assert fleet.refusal() == "OPEN"
    assert fleet.call(SUCCESS, breaker=FALLBACK) == "CLOSED"


def test_waits_grow_from_a_quarter_of_a_minute_to_two(fleet):
    fleet.trip()
    middles = [15, 30, 60, 120, 120]
    assert spread(fleet.waits(len(middles)), middles, jitter=0.2, at_most=120)


def test_two_answers_of_almost_four_minutes_close_it(fleet):
    fleet.trip()
    probes = fleet.probes()
    assert len(probes) == 2
    fleet.advance(239)
    for probe in probes:
        assert fleet.state() == "HALF_OPEN"
        fleet.record(probe, SUCCESS, latency_s=239)
    assert fleet.state() == "CLOSED"


def test_probes_in_hand_for_four_minutes_are_lost(fleet):
    fleet.trip()
    fleet.probes()
    fleet.advance(240)
    assert (fleet.state(), fleet.cause()) == ("OPEN", "PROBES_EXPIRED")


def test_recovers_over_half_a_minute(fleet):
    fleet.calls(2, **LIMITED)
    fleet.recover()
    assert fleet.admitted(2, per_second=100) == pytest.approx(0.13, abs=0.01)
    fleet.advance(28)
    assert fleet.admitted(1, per_second=50) == 1


def test_models_share_one_budget_of_retries(fleet):
    assert [fleet.retry(breaker=FALLBACK) for _ in range(30)] == [""] * 30
    assert fleet.retry() == "RETRY_BUDGET"
    fleet.calls(20, SUCCESS, breaker=FALLBACK)
    assert [fleet.retry() for _ in range(3)] == ["", "", "RETRY_BUDGET"]


def test_what_a_call_earned_is_still_there_when_a_long_one_fails(fleet):
    fleet.calls(10, SUCCESS)
    fleet.advance(26)
    assert [fleet.retry() for _ in range(32)] == [""] * 31 + ["RETRY_BUDGET"]
    fleet.advance(1)
    fleet.call(FAILURE)
    assert fleet.retry() == "RETRY_BUDGET"
