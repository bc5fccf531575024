"""Whoever holds a probe may die: its slot comes back by itself."""

import multiprocessing

import pytest
from api import SUCCESS, Api
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from timing import PATIENCE_S, boottime, eventually

PROBE_TIMEOUT_S = 0.5

CONFIG = """
policies:
- name: default
  circuit_breaker:
    consecutive_failures: 1
    open_duration: 10ms
    max_probes: 2
    success_threshold: 1
    probe_timeout: 500ms
- name: one
  match: [one/*]
  circuit_breaker:
    consecutive_failures: 1
    open_duration: 1s
    max_probes: 1
    success_threshold: 1
    probe_timeout: 500ms
- name: patient
  match: [patient/*]
  circuit_breaker: {consecutive_failures: 1, open_duration: 10ms, probe_timeout: 1m}
"""


def take_a_probe_and_hold_it(address, name, line):
    """The life of a process that is about to die."""
    with Api(address) as api:
        api.call(name, pb.OUTCOME_FAILURE)
        while not (answer := api.allow(name)).probe:
            pass
        line.send(answer.permit)
        line.recv()  # For ever.


@pytest.fixture
def address(start):
    return start(config=CONFIG).address


def probe_of_the_dead(address, name):
    """Has another process take a probe, kills it, and returns the permit that it held."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=take_a_probe_and_hold_it, args=(address, name, theirs))
    process.start()
    try:
        assert ours.poll(PATIENCE_S), "the other process got no probe"
        return ours.recv()
    finally:
        process.kill()
        process.join()


def test_a_dead_holders_slot_comes_back_within_the_probe_timeout(address, connect, name):
    api = connect(address)
    before = boottime()
    probe_of_the_dead(address, name)
    eventually(lambda: api.get(name).probes == 0, "the slot is back")
    assert boottime() - before >= PROBE_TIMEOUT_S
    assert api.get(name).state == pb.STATE_HALF_OPEN  # One expiry of two is no vote.
    assert api.call(name, SUCCESS).state == pb.STATE_CLOSED


# With its last probe gone for good, a breaker would stay half-open for ever.
def test_the_death_of_the_last_probe_opens_it_again_and_the_next_probe_closes_it(
    address, connect
):
    api = connect(address)
    with api.watch("one/by-one") as watch:
        probe_of_the_dead(address, "one/by-one")
        watch.until(pb.STATE_HALF_OPEN)
        opened = watch.until(pb.STATE_OPEN)
        assert opened.last_transition.cause == admin_pb2.CAUSE_PROBES_EXPIRED
        watch.until(pb.STATE_HALF_OPEN)
    assert api.call("one/by-one", SUCCESS).state == pb.STATE_CLOSED


def test_the_late_success_of_an_expired_probe_has_no_vote(address, connect, name):
    api = connect(address)
    permit = probe_of_the_dead(address, name)
    eventually(lambda: api.get(name).probes == 0, "the slot is back")
    answer = api.record(name, permit, SUCCESS)
    assert (answer.counted, answer.state) == (pb.COUNTED_LATE, pb.STATE_HALF_OPEN)


# A permit is not its process's: whoever knows how the call ended may say so.
def test_another_process_may_give_the_slot_back(address, connect):
    api = connect(address)
    permit = probe_of_the_dead(address, "patient/a")
    assert api.get("patient/a").probes == 1
    answer = api.record("patient/a", permit, pb.OUTCOME_IGNORED)
    assert (answer.counted, answer.state) == (pb.COUNTED_NOT_COUNTED, pb.STATE_HALF_OPEN)
    assert api.get("patient/a").probes == 0
