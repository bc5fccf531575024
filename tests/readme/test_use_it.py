"""The examples of "Use it" do what its text says, and whatever becomes of Fusebox, they go on."""

import pytest
from api import FAILURE
from fusebox.v1 import breaker_pb2 as pb
from others import closed_address, hanging_fusebox
from snippets import DEADLINE_MS
from timing import PATIENCE_S, eventually

NAME = "shop/checkout"
FAILURES_TO_TRIP = 5  # The default policy's consecutive_failures.
# Where an answer comes, a busy machine may take its time; the examples' own deadline would not.
PATIENT_MS = PATIENCE_S * 1000


def recorded(api):
    """The successes and failures of the breaker, once there is one."""

    def totals():
        totals = api.get(NAME).totals
        return (totals.successes, totals.failures) if totals.successes + totals.failures else None

    return eventually(totals, "an outcome is recorded")


def test_makes_the_call_and_records_how_it_ended(program, server, api):
    with program.upstream.serving() as (address, calls):
        with program.run(server.address, address, PATIENT_MS) as running:
            running.until_done()
            assert recorded(api) == (1, 0)
            running.end()
    assert calls.count == 1
    assert api.get(NAME).totals.calls == 1


def test_a_failure_that_the_upstream_answers_is_recorded_by_its_code(program, server, api):
    with program.upstream.serving(fails=True) as (address, calls):
        with program.run(server.address, address, PATIENT_MS) as running:
            running.until_done()
            assert recorded(api) == (0, 1)
            running.end()
    assert calls.count == 1


def test_an_upstream_that_is_gone_is_recorded_as_a_failure(program, server, api):
    with closed_address() as address:
        with program.run(server.address, address, PATIENT_MS) as running:
            running.until_done()
            assert recorded(api) == (0, 1)
            running.end()
    assert api.get(NAME).totals.calls == 1


def test_does_not_make_the_call_while_the_breaker_is_open(program, server, api):
    for _ in range(FAILURES_TO_TRIP):
        last = api.record(NAME, outcome=FAILURE)
    assert last.state == pb.STATE_OPEN
    with program.upstream.serving() as (address, calls):
        with program.run(server.address, address, PATIENT_MS) as running:
            running.until_done()
            running.end()
    assert calls.count == 0
    assert api.get(NAME).totals.refused == 1


def test_goes_on_without_fusebox(program):
    with closed_address() as fusebox, program.upstream.serving() as (address, calls):
        with program.run(fusebox, address, DEADLINE_MS) as running:
            running.until_done()
            running.end()
    assert calls.count == 1


# Nothing but the example's own deadline ends its wait.
def test_goes_on_when_fusebox_does_not_answer_in_time(program):
    with hanging_fusebox(allows=False) as (fusebox, _), program.upstream.serving() as upstream:
        address, calls = upstream
        with program.run(fusebox, address, DEADLINE_MS) as running:
            running.until_done()
            running.end()
    assert calls.count == 1


# The deadline is too far off to end a wait here.
def test_does_not_wait_until_fusebox_has_taken_the_outcome(program):
    if not program.calls_record:
        pytest.skip("it tells over a session, which the client's own tests look at")
    with hanging_fusebox(allows=True) as (fusebox, waiting), program.upstream.serving() as upstream:
        address, calls = upstream
        with program.run(fusebox, address, 2 * PATIENT_MS) as running:
            running.until_done()
            record = waiting.get(timeout=PATIENCE_S)
            assert record.is_active(), "who left Record behind also called it off"
    assert calls.count == 1
