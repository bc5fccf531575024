"""Calls that wait for their turn: in a queue of the server's, and on no thread of it."""

import contextlib
import subprocess
import sys

import pytest
from api import SUCCESS
from fusebox.v1 import breaker_pb2 as pb
from google.protobuf import duration_pb2
from test_bounds import threads_of
from timing import PATIENCE_S, boottime, eventually

WAITERS = 10_000
RATE = 20  # A second.
CONFIG = f"""
policies:
- name: model
  match: [llm/*]
  bulkhead: {{max_concurrent: 1}}
  queue: {{max_wait: 1m, max_queue: {WAITERS}}}
- name: paced
  match: [paced/*]
  rate_limit: {{rate: {RATE}, burst: 1}}
"""
WAIT = duration_pb2.Duration(seconds=60)


@pytest.fixture
def process(start):
    return start("--max-concurrent-streams=100000", config=CONFIG)


@pytest.fixture
def wait_for(process, connect):
    """Begins calls that wait, and gives them up at the end."""
    with contextlib.ExitStack() as stack:

        def begin(breaker, calls, connections=4):
            stubs = [connect(process).breakers for _ in range(connections)]
            request = pb.AllowRequest(breaker=breaker, max_wait=WAIT)
            futures = [
                stubs[i % connections].Allow.future(request, timeout=PATIENCE_S * 4)
                for i in range(calls)
            ]
            for future in futures:
                stack.callback(future.cancel)
            return futures

        yield begin


def test_ten_thousand_waiting_calls_hold_no_thread(process, connect, wait_for):
    api = connect(process)
    first = api.allow("llm/sonnet")
    calls = wait_for("llm/sonnet", 1)  # Connections race, so the first to wait is alone.
    eventually(lambda: api.get("llm/sonnet").waiting == 1, "the first waits")
    calls += wait_for("llm/sonnet", 99)
    eventually(lambda: api.get("llm/sonnet").waiting == 100, "100 wait")
    before = threads_of(process)

    calls += wait_for("llm/sonnet", WAITERS - 100)
    eventually(lambda: api.get("llm/sonnet").waiting == WAITERS, f"{WAITERS} wait")
    assert threads_of(process) <= before + 8

    # One more finds the queue full, and is told so at once.
    refused = api.breakers.Allow(
        pb.AllowRequest(breaker="llm/sonnet", max_wait=WAIT), timeout=PATIENCE_S
    )
    assert (refused.decision, refused.reason) == (pb.DECISION_DENIED, pb.REASON_BULKHEAD)

    # A place that comes back is the first one's.
    api.record("llm/sonnet", first, SUCCESS)
    granted = calls[0].result(timeout=PATIENCE_S)
    assert granted.decision == pb.DECISION_ALLOWED

    # Those that give up free their slots in the queue, and take no place later.
    for call in calls[1:]:
        call.cancel()
    eventually(lambda: api.get("llm/sonnet").waiting == 0, "0 wait")
    api.record("llm/sonnet", granted, SUCCESS)
    assert api.get("llm/sonnet").bulkhead.in_use == 0
    assert api.allow("llm/sonnet").decision == pb.DECISION_ALLOWED


def test_calls_that_wait_for_tokens_are_served_in_their_order_as_the_rate_lets(
    process, connect, wait_for
):
    api = connect(process)
    calls, order = 10, []
    api.allow("paced/a")
    began = boottime()
    for i in range(calls):
        (call,) = wait_for("paced/a", 1, connections=1)
        call.add_done_callback(lambda done, i=i: order.append((i, done.result().decision)))
        eventually(lambda i=i: api.get("paced/a").waiting + len(order) > i, f"call {i} waits")
    eventually(lambda: len(order) == calls, "all have had their turn")
    assert order == [(i, pb.DECISION_ALLOWED) for i in range(calls)]
    assert boottime() - began >= (calls - 1) / RATE
    assert api.get("paced/a").rate_limit.refused == 0


def test_a_deadline_ends_the_wait_with_an_answer(process, connect):
    api = connect(process)
    api.allow("llm/haiku")
    request = pb.AllowRequest(breaker="llm/haiku", max_wait=WAIT)
    began = boottime()
    answer = api.breakers.Allow(request, timeout=10)
    assert (answer.decision, answer.reason) == (pb.DECISION_DENIED, pb.REASON_BULKHEAD)
    assert boottime() - began >= 8


def test_a_server_that_stops_answers_those_who_wait(process, connect, wait_for):
    api = connect(process)
    api.allow("llm/haiku")
    (call,) = wait_for("llm/haiku", 1, connections=1)
    eventually(lambda: api.get("llm/haiku").waiting == 1, "1 wait")
    process.stop()
    assert call.result(timeout=PATIENCE_S).decision == pb.DECISION_DENIED


CALLER = """
import sys, grpc
from fusebox.v1 import breaker_pb2, breaker_service_pb2_grpc
from google.protobuf import duration_pb2
stub = breaker_service_pb2_grpc.BreakerServiceStub(grpc.insecure_channel(sys.argv[1]))
wait = duration_pb2.Duration(seconds=60)
stub.Allow(breaker_pb2.AllowRequest(breaker="llm/haiku", max_wait=wait))
"""


def test_a_caller_that_dies_leaves_the_queue(process, connect):
    api = connect(process)
    api.allow("llm/haiku")
    with subprocess.Popen([sys.executable, "-c", CALLER, process.address]) as caller:
        try:
            eventually(lambda: api.get("llm/haiku").waiting == 1, "it waits")
        finally:
            caller.kill()
    eventually(lambda: api.get("llm/haiku").waiting == 0, "nobody waits")
