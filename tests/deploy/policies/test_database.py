"""database.yaml: opens on few failures and on slowness, and comes back slowly."""

import pytest
from fleet import CALLER_ERROR, FAILURE, SUCCESS, TIMEOUT, spread

BREAKER = "db/orders-primary"
GRPC_ABORTED = 10


def test_ten_failures_in_a_row_open_it_at_any_rate(fleet):
    for _ in range(9):
        assert fleet.call(TIMEOUT) == "CLOSED"
        fleet.advance(4)
    assert fleet.call(TIMEOUT) == "OPEN"
    assert fleet.cause() == "CONSECUTIVE_FAILURES"


def test_one_process_with_a_broken_pool_does_not_open_it(fleet):
    assert fleet.calls(60, FAILURE, client="node-1") == "CLOSED"
    assert fleet.call(FAILURE, client="node-2") == "OPEN"


def nine_of_forty_nine_fail(fleet):
    for _ in range(9):
        fleet.calls(4, SUCCESS)
        fleet.call(FAILURE)
    assert fleet.calls(4, SUCCESS) == "CLOSED"


def test_a_fifth_of_fifty_failures_opens_it(fleet):
    nine_of_forty_nine_fail(fleet)
    assert fleet.call(FAILURE) == "OPEN"
    assert fleet.cause() == "FAILURE_RATE"


def test_less_than_a_fifth_does_not_open_it(fleet):
    nine_of_forty_nine_fail(fleet)
    fleet.call(SUCCESS)
    assert fleet.call(FAILURE) == "CLOSED"  # 10 of 51.
    assert fleet.call(FAILURE) == "OPEN"


@pytest.mark.parametrize(("later_s", "state"), [(8.9, "OPEN"), (10.1, "CLOSED")])
def test_ten_seconds_count(fleet, later_s, state):
    nine_of_forty_nine_fail(fleet)
    fleet.advance(later_s)
    assert fleet.call(FAILURE) == state


def test_what_the_database_refuses_says_that_it_is_up(fleet):
    assert fleet.calls(100, CALLER_ERROR) == "CLOSED"
    assert fleet.calls(100, grpc_code=GRPC_ABORTED) == "CLOSED"
    assert fleet.look().window.failures == 0


def test_a_queue_opens_it_though_the_queries_succeed(fleet):
    fleet.calls(26, SUCCESS, latency_s=0.999)
    assert fleet.calls(25, SUCCESS, latency_s=1) == "CLOSED"
    assert fleet.call(SUCCESS, latency_s=1) == "OPEN"
    assert fleet.cause() == "SLOW_CALL_RATE"


def test_a_probe_that_takes_a_second_opens_it_again(fleet):
    fleet.trip()
    fleet.advance(fleet.wait_s())
    assert fleet.call(SUCCESS, latency_s=1) == "OPEN"


def test_waits_grow_from_five_seconds_to_thirty(fleet):
    fleet.trip()
    middles = [5, 10, 20, 30, 30]
    assert spread(fleet.waits(len(middles)), middles, jitter=0.1, at_most=30)


def test_a_failover_of_thirty_seconds_is_over_at_the_third_asking(fleet):
    fleet.trip()
    asked_at = sum(fleet.waits(3))
    assert 30 < asked_at <= 35 * 1.1
    assert fleet.recover() == 3


def test_three_probes_at_once_close_it_and_one_that_fails_does_not(fleet):
    fleet.trip()
    probes = fleet.probes()
    assert len(probes) == 3
    for probe in probes[:2]:
        fleet.record(probe, SUCCESS)
    assert fleet.state() == "HALF_OPEN"
    fleet.record(probes[2], FAILURE)
    assert fleet.state() == "OPEN"


def test_probes_in_hand_for_ten_seconds_are_lost(fleet):
    fleet.trip()
    assert len(fleet.probes()) == 3
    fleet.advance(9.9)
    assert fleet.state() == "HALF_OPEN"
    fleet.advance(0.1)
    assert (fleet.state(), fleet.cause()) == ("OPEN", "PROBES_EXPIRED")


def test_a_cold_database_gets_its_calls_over_half_a_minute(fleet):
    fleet.trip()
    fleet.recover()
    shares = [fleet.admitted(1, per_second=200) for _ in range(2)]
    assert shares == [pytest.approx(share, abs=0.01) for share in (0.066, 0.097)]
    fleet.advance(28)
    assert fleet.admitted(1, per_second=100) == 1


def test_in_an_outage_twenty_retries_pass_and_forty_successes_earn_two(fleet):
    assert [fleet.retry() for _ in range(21)] == [""] * 20 + ["RETRY_BUDGET"]
    fleet.calls(40, SUCCESS)
    assert [fleet.retry() for _ in range(3)] == ["", "", "RETRY_BUDGET"]
