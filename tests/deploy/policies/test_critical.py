"""critical.yaml: open within two seconds, back soon, and never flattened on the way."""

import random

import pytest
from fleet import FAILURE, SUCCESS, spread

BREAKER = "payments.v1.ChargeService/Charge"


def test_an_outage_opens_it_after_a_second_and_a_half(fleet):
    assert fleet.traffic(5, per_second=100, outcome=SUCCESS) is None
    assert 1.3 <= fleet.traffic(2, per_second=100, outcome=FAILURE) <= 1.5
    assert fleet.cause() == "FAILURE_RATE"


def test_twenty_calls_a_second_are_enough(fleet):
    assert fleet.traffic(5, per_second=20, outcome=SUCCESS) is None
    assert fleet.traffic(2, per_second=20, outcome=FAILURE) is not None


def test_fewer_than_fifty_calls_in_the_window_never_open_it(fleet):
    assert fleet.traffic(20, per_second=9, outcome=FAILURE) is None


def test_fifty_failures_open_it_and_forty_nine_do_not(fleet):
    assert fleet.calls(49, FAILURE) == "CLOSED"
    assert fleet.call(FAILURE) == "OPEN"


def test_runs_that_happen_by_chance_do_not_open_it(fleet):
    chance = random.Random(5)
    for _ in range(1000):
        fleet.advance(0.01)
        fleet.call(FAILURE if chance.random() < 0.05 else SUCCESS)
    assert fleet.calls(20, FAILURE) == "CLOSED"


def test_two_bad_nodes_do_not_open_it_and_three_do(fleet):
    for client in ("node-1", "node-2"):
        assert fleet.calls(60, FAILURE, client=client) == "CLOSED"
    assert fleet.call(FAILURE, client="node-3") == "OPEN"


def test_waits_grow_from_two_seconds_to_ten(fleet):
    fleet.trip()
    middles = [2, 3, 4.5, 6.75, 10, 10]
    waits = fleet.waits(len(middles))
    assert spread(waits, middles, jitter=0.1, at_most=10)


def test_three_probes_at_once_close_it(fleet):
    fleet.trip()
    probes = fleet.probes()
    assert len(probes) == 3
    for probe in probes:
        assert fleet.state() == "HALF_OPEN"
        fleet.record(probe, SUCCESS)
    assert fleet.state() == "CLOSED"


def test_callers_that_die_with_all_probes_cost_five_seconds_and_a_wait(fleet):
    fleet.trip()
    assert len(fleet.probes()) == 3
    fleet.advance(4.9)
    assert fleet.refusal() == "PROBES_BUSY"
    fleet.advance(0.1)
    assert (fleet.state(), fleet.cause()) == ("OPEN", "PROBES_EXPIRED")
    assert fleet.recover() == 3


def test_recovers_over_ten_seconds(fleet):
    fleet.trip()
    fleet.recover()
    shares = [fleet.admitted(1, per_second=100) for _ in range(11)]
    assert shares == [pytest.approx(0.24 + 0.08 * i, abs=0.02) for i in range(10)] + [1]


def test_all_calls_pass_within_half_a_minute_of_the_end_of_an_outage(fleet):
    fleet.trip()
    longest = max(fleet.waits(6))  # The outage ends right after the last probe failed.
    fleet.recover()
    fleet.advance(10)
    assert longest + 10 < 30
    assert fleet.admitted(1, per_second=100) == 1


def test_in_an_outage_fifty_retries_pass_and_twenty_successes_earn_two(fleet):
    assert [fleet.retry() for _ in range(51)] == [""] * 50 + ["RETRY_BUDGET"]
    fleet.calls(20, SUCCESS)
    assert [fleet.retry() for _ in range(3)] == ["", "", "RETRY_BUDGET"]
    fleet.advance(10)
    assert fleet.retry() == ""
