"""Everything that clients can make a server hold has a bound, and its error names the flag."""

import pathlib
import re
import threading

import grpc
from api import FAILURE, SUCCESS, error_of
from fusebox.v1 import breaker_pb2 as pb
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from timing import PATIENCE_S


def test_too_many_breakers_are_refused_and_those_that_exist_go_on(start, connect):
    api = connect(start("--max-breakers=3"))
    for name in ("a", "b", "c"):
        api.call(name, SUCCESS)
    for call in (lambda: api.allow("d"), lambda: api.record("d", outcome=FAILURE)):
        error = error_of(call)
        assert (error.code, error.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_BREAKERS",
        )
        assert "3" in error.message and "--max-breakers" in error.message
        assert error.retry_s > 0
    assert api.info().breakers == 3
    assert api.call("a", SUCCESS).state == pb.STATE_CLOSED
    assert api.get("a").totals.successes == 2


def test_an_idle_breaker_makes_room_for_another(start, connect):
    api = connect(start("--max-breakers=1", "--idle-ttl=1s"))
    with api.watch("first") as watch:
        first = api.allow("first").epoch
        watch.until_removed("first")
    assert api.allow("second").epoch > first


def threads_of(process):
    status = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"^Threads:\s+(\d+)$", status, re.MULTILINE)[1])


# gRPC's own service holds a thread for each call.
def test_calls_of_reflection_hold_a_bounded_number_of_threads(start, connect):
    process = start()
    api = connect(process)
    before = threads_of(process)
    stub = reflection_pb2_grpc.ServerReflectionStub(api.channel)
    done = threading.Event()

    def ask_and_stay():
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        done.wait(PATIENCE_S)

    calls = [stub.ServerReflectionInfo(ask_and_stay()) for _ in range(64)]
    refused = []
    for call in calls:
        try:
            next(call)
        except grpc.RpcError as error:
            refused.append(error.code())
    try:
        assert refused and set(refused) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert threads_of(process) <= before + 32
        assert api.allow("a").decision == pb.DECISION_ALLOWED
    finally:
        done.set()
        for call in calls:
            call.cancel()


def test_a_watch_too_many_is_refused(start, connect):
    api = connect(start("--max-watchers=1"))
    with api.watch():
        error = error_of(api.watch)
        assert error.reason == "TOO_MANY_WATCHERS"
        assert "--max-watchers" in error.message


def test_a_watch_that_lags_too_far_behind_is_ended(start, connect):
    api = connect(start("--max-watch-lag=100"))
    with api.watch() as watch:
        items = [{"breaker": f"db/{number}", "outcome": SUCCESS} for number in range(10_000)]
        api.batch(*items, batch_id=b"")
        error = watch.end()
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "WATCH_TOO_SLOW")
        assert "100" in error.message and "--max-watch-lag" in error.message


def test_a_batch_id_too_many_is_refused(start, connect):
    api = connect(start("--max-batches=1"))
    item = {"breaker": "a", "outcome": FAILURE, "count": 1}
    api.batch(item)
    error = error_of(lambda: api.batch(item))
    assert error.reason == "TOO_MANY_BATCHES"
    assert "--max-batches" in error.message
    assert api.get("a").totals.failures == 1


def test_a_batch_of_10_000_items_is_taken(api, name):
    results = api.batch(*[{"breaker": name, "outcome": SUCCESS}] * 10_000)
    assert {result.response.counted for result in results} == {pb.COUNTED_COUNTED}
    assert api.get(name).totals.successes == 10_000


def test_a_batch_of_more_is_refused_whole(api, name):
    error = error_of(lambda: api.batch(*[{"breaker": name, "outcome": SUCCESS}] * 10_001))
    assert (error.reason, error.fields) == ("BATCH_TOO_LARGE", ["items"])
    assert "10001" in error.message and "10000" in error.message
    assert error_of(lambda: api.get(name)).reason == "BREAKER_NOT_FOUND"


def test_a_message_that_is_too_large_is_refused(start, connect):
    api = connect(start("--max-message-bytes=4096"))
    items = [{"breaker": "a", "outcome": SUCCESS}] * 1000
    error = error_of(lambda: api.batch(*items))
    assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_of(lambda: api.get("a")).reason == "BREAKER_NOT_FOUND"
    assert api.call("a", SUCCESS).state == pb.STATE_CLOSED


def test_metrics_of_breakers_have_a_bound_and_their_totals_do_not(start, connect):
    process = start("--metrics-max-breakers=2")
    api = connect(process)
    for number in range(10):
        api.call(f"db/{number}", FAILURE)
    _, page = process.get("/metrics")
    assert page.count("fusebox_breaker_failures_total{") == 2 + 1  # That of all the others.
    assert 'fusebox_breakers{state="closed"} 10\n' in page
