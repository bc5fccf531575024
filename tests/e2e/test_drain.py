"""How a server stops: first it says so, then it serves on, then it ends its streams and itself."""

import collections
import signal

import grpc
import pytest
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from timing import PATIENCE_S, boottime, eventually

LAME_FOR_EVER = ("--lame-duck=4m", "--drain-timeout=5m")
SIGNALS = [signal.SIGTERM, signal.SIGINT]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def health_watch(api):
    """A stream of the server's health, which starts with what it is now."""
    stub = health_pb2_grpc.HealthStub(api.channel)
    answers = stub.Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    return (answer.status for answer in answers)


def health(api, service):
    stub = health_pb2_grpc.HealthStub(api.channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S).status


@pytest.fixture
def lame(start, connect):
    """A server that was told to stop and has begun to say so, and a client of it."""
    process = start(*LAME_FOR_EVER)
    api = connect(process)
    watch = health_watch(api)
    assert next(watch) == SERVING
    process.signal(signal.SIGTERM)
    assert next(watch) == NOT_SERVING
    return process, api


def test_a_lame_duck_says_that_it_is_not_ready_but_alive(lame):
    process, api = lame
    for service in ("fusebox.v1.BreakerService", "fusebox.v1.AdminService", "readiness"):
        eventually(lambda service=service: health(api, service) == NOT_SERVING, service)
    assert health(api, "liveness") == SERVING
    assert process.get("/readyz") == (503, "draining\n")
    assert process.get("/healthz") == (200, "ok\n")


def test_a_lame_duck_serves_who_has_not_noticed_yet(lame, connect, name):
    process, api = lame
    newcomer = connect(process)
    for client in (api, newcomer):
        client.call(name, pb.OUTCOME_FAILURE)
    with newcomer.watch(name) as watch:
        assert [breaker.totals.failures for breaker in watch.snapshot] == [2]


def test_a_second_signal_ends_a_lame_duck_at_once(lame):
    process, _ = lame
    process.signal(signal.SIGTERM)
    assert process.wait() == 0  # Within PATIENCE_S, where the lame duck would take 4 minutes.


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_streams_end_with_a_reason_and_the_server_with_exit_code_0(start, connect, number):
    process = start("--lame-duck=0s", "--drain-timeout=5m")
    api = connect(process)
    with api.watch() as watch:
        process.signal(number)
        error = watch.end()
    api.channel.close()  # Asked to go, an idle client of Python's takes 5 s to notice.
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert error.domain == "fusebox"
    assert error.retry_s > 0
    assert "watch again" in error.message
    assert process.wait() == 0  # Within PATIENCE_S: nothing is in flight, so nothing is waited for.


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_the_lame_duck_lasts_as_long_as_it_was_told(start, number):
    process = start("--lame-duck=700ms")
    told = boottime()
    process.signal(number)
    assert process.wait() == 0
    assert boottime() - told >= 0.7


# Health watches end when their clients end them, which may be never.
def test_a_health_watch_holds_up_nothing(start, connect):
    process = start("--lame-duck=0s", "--drain-timeout=5m")
    watch = health_watch(connect(process))
    assert next(watch) == SERVING
    process.signal(signal.SIGTERM)
    assert next(watch) == NOT_SERVING
    assert process.wait() == 0  # Within PATIENCE_S.
    with pytest.raises(grpc.RpcError):
        next(watch)


# Nor do those of a breaker or a prefix, which would wait for changes.
@pytest.mark.parametrize("kind", ["breaker", "prefix"])
def test_a_health_watch_of_breakers_holds_up_nothing(kind, start, connect, name):
    process = start("--lame-duck=0s", "--drain-timeout=5m")
    api = connect(process)
    api.allow(name)
    stub = health_pb2_grpc.HealthStub(api.channel)
    request = health_pb2.HealthCheckRequest(service=f"{kind}:{name}")
    watch = stub.Watch(request, timeout=PATIENCE_S)
    assert next(watch).status == SERVING
    process.signal(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as end:
        next(watch)
    assert end.value.code() == grpc.StatusCode.UNAVAILABLE
    api.channel.close()  # Asked to go, an idle client of Python's takes 5 s to notice.
    assert process.wait() == 0  # Within PATIENCE_S.


def watch_without_reading(api, breakers=3000):
    """A watch whose client reads one message of many more than a connection holds."""
    names = [f"{'x' * 200}/{i}" for i in range(breakers)]
    api.batch(*({"breaker": b, "outcome": pb.OUTCOME_SUCCESS, "count": 1} for b in names))
    stream = api.admin.WatchBreakers(admin_pb2.WatchBreakersRequest(), timeout=PATIENCE_S)
    assert next(stream).breaker.name
    return stream


def test_a_watch_that_is_not_read_holds_up_nothing(start, connect):
    process = start("--lame-duck=0s", "--drain-timeout=5m")
    stream = watch_without_reading(connect(process))
    process.signal(signal.SIGTERM)
    assert process.wait() == 0  # Within PATIENCE_S.
    with pytest.raises(grpc.RpcError):
        collections.deque(stream, maxlen=0)


# Supervisors kill what outstays its time.
def test_it_ends_within_the_drain_timeout(start, connect):
    process = start("--lame-duck=1s", "--drain-timeout=2s")
    api = connect(process)
    watch = health_watch(api)
    assert next(watch) == SERVING
    stream = watch_without_reading(api)
    told = boottime()
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    slack = 8  # Of a busy machine; what is not bounded takes the watches' 30 s.
    assert boottime() - told < 2 + slack
    stream.cancel()


# A full pipe or a stopped log collector is no reason to stop deciding, or to outlive a signal.
def test_a_log_that_nobody_reads_holds_up_nothing(start, connect):
    breakers = [f"stalled/{i}" for i in range(2000)]
    config = "policies: [{name: quick, match: [stalled/*], circuit_breaker: {open_duration: 1s}}]"
    process = start(config=config, read_log=False)
    api = connect(process)
    outcomes = api.batch(
        *({"breaker": b, "outcome": pb.OUTCOME_FAILURE, "count": 5} for b in breakers)
    )
    assert {result.response.state for result in outcomes} == {pb.STATE_OPEN}
    with api.watch("stalled/0") as watch:  # The timer and the watches share a thread with the log.
        if watch.snapshot[0].state == pb.STATE_OPEN:
            watch.until(pb.STATE_HALF_OPEN)
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


# Without HTTP: its library would ignore the signal of a broken pipe for the whole process.
def test_a_log_whose_reader_went_away_does_not_end_the_server(start, connect, name):
    process = start(http_listen="", read_log=False)
    api = connect(process)
    process.process.stderr.close()
    for _ in range(5):
        last = api.record(name, outcome=pb.OUTCOME_FAILURE)
    assert last.state == pb.STATE_OPEN
    process.signal(signal.SIGTERM)  # Logs once more.
    assert process.wait() == 0


def test_a_stopped_server_leaves_its_port_to_the_next(start, connect, name):
    first = start()
    address = first.address
    api = connect(first)
    api.allow(name)
    api.channel.close()
    assert first.stop() == 0
    second = start(listen=(address,))
    assert second.address == address
    assert connect(second).allow(name).decision == pb.DECISION_ALLOWED


def test_logs_how_to_end_it_at_once(lame):
    process, _ = lame
    hint = 'event=draining hint="a second signal ends it at once"'
    eventually(lambda: any(hint in line for line in process.log), hint)
