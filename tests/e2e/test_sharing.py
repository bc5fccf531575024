"""Many clients, one breaker: what one of them learns, all of them know."""

import concurrent.futures
import multiprocessing
import threading

import pytest
from api import FAILURE, SUCCESS, Api
from fusebox.v1 import breaker_pb2 as pb

CLIENTS = 64
ROUNDS = 30
MAX_PROBES = 3

CONFIG = f"""
policies:
- name: racing
  match: [racing/*]
  circuit_breaker:
    consecutive_failures: 1
    open_duration: 50ms
    max_probes: {MAX_PROBES}
- name: counting
  match: [counting/*]
  circuit_breaker:
    consecutive_failures: 0
    failure_rate_threshold: 0
- name: quorum
  match: [quorum/*]
  circuit_breaker:
    consecutive_failures: 5
    min_failing_clients: 3
    window_duration: 10m
"""


@pytest.fixture
def process(start):
    return start(config=CONFIG)


@pytest.fixture
def processes():
    """Three processes; not forked, as gRPC's threads do not come along."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
        yield pool


def fail(address, client, name, times):
    """One process that makes calls which fail, and tells the state that it was told each time."""
    with Api(address, client=client) as api:
        return [api.call(name, FAILURE).state for _ in range(times)]


def ask(address, name):
    with Api(address) as api:
        return api.allow(name).reason


def test_failures_of_several_processes_add_up_and_all_are_refused(process, processes, connect):
    name = "shared/by-processes"
    calls = [(process.address, client, name, n) for client, n in (("a", 2), ("b", 1), ("c", 1))]
    for states in processes.map(fail, *zip(*calls, strict=True)):
        assert set(states) == {pb.STATE_CLOSED}
    assert connect(process).call(name, FAILURE).state == pb.STATE_OPEN
    asked = processes.map(ask, [process.address] * 3, [name] * 3)
    assert list(asked) == [pb.REASON_OPEN] * 3


def test_one_process_that_fails_alone_opens_nothing_under_a_quorum(process, processes):
    def fails(client, times):
        return processes.submit(fail, process.address, client, "quorum/a", times).result()

    assert set(fails("first", 20)) == {pb.STATE_CLOSED}
    assert set(fails("second", 5)) == {pb.STATE_CLOSED}
    assert fails("third", 1) == [pb.STATE_OPEN]


def test_a_watcher_sees_what_another_client_caused(process, connect):
    name = "shared/watched"
    other = connect(process)
    with connect(process).watch(name) as watch:
        for _ in range(5):
            opened = other.call(name, FAILURE)
        assert watch.until(pb.STATE_OPEN).epoch == opened.epoch


def ask_until_the_wait_is_over(api, name, start_line):
    start_line.wait()
    while (answer := api.allow(name)).reason == pb.REASON_OPEN:
        pass
    return answer


# All who ask while the wait ends race for the probes, and as many win as there are.
def test_exactly_max_probes_win_the_race_at_the_end_of_the_wait(process, connect):
    name = "racing/for-probes"
    apis = [connect(process) for _ in range(CLIENTS)]
    start_line = threading.Barrier(CLIENTS)
    apis[0].call(name, FAILURE)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            race = [pool.submit(ask_until_the_wait_is_over, a, name, start_line) for a in apis]
            answers = [runner.result() for runner in race]
            won = [answer for answer in answers if answer.decision == pb.DECISION_ALLOWED]
            lost = [answer for answer in answers if answer.reason == pb.REASON_PROBES_BUSY]
            assert (len(won), len(lost)) == (MAX_PROBES, CLIENTS - MAX_PROBES), number
            assert len({answer.epoch for answer in answers}) == 1, number
            assert all(answer.probe for answer in won)
            # One vote opens it for the next round; the others are of this one, and late.
            counted = [apis[0].record(name, answer, FAILURE).counted for answer in won]
            assert counted == [pb.COUNTED_COUNTED] + [pb.COUNTED_LATE] * (MAX_PROBES - 1)
    assert apis[0].get(name).reopens == ROUNDS


def make_calls(api, name, outcomes):
    return [api.call(name, outcome).counted for outcome in outcomes]


def test_no_outcome_of_many_clients_at_once_is_lost(process, connect):
    name = "counting/by-threads"
    apis = [connect(process) for _ in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(make_calls, api, name, [SUCCESS] * 49 + [FAILURE]) for api in apis]
        counted = [one for call in calls for one in call.result()]
    assert set(counted) == {pb.COUNTED_COUNTED}
    totals = apis[0].get(name).totals
    assert (totals.calls, totals.successes, totals.failures) == (800, 784, 16)
