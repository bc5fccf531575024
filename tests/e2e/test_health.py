"""What load balancers, orchestrators and Prometheus ask of a server that serves."""

import contextlib
import re

import grpc
import pytest
from api import Error, error_of
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from timing import PATIENCE_S, eventually

SERVICES = ("", "fusebox.v1.BreakerService", "fusebox.v1.AdminService", "liveness", "readiness")


SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def check(api, service):
    stub = health_pb2_grpc.HealthStub(api.channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S).status


@contextlib.contextmanager
def watching(api, service):
    """The answers of a health watch, as they come."""
    stub = health_pb2_grpc.HealthStub(api.channel)
    call = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S)
    try:
        yield (answer.status for answer in call)
    finally:
        call.cancel()


def health_of(api, prefix):
    request = admin_pb2.GetHealthRequest(prefix=prefix)
    return api.admin.GetHealth(request, timeout=PATIENCE_S)


def trip(api, name):
    for _ in range(5):
        api.call(name, pb.OUTCOME_FAILURE)


def sample(page, series):
    """The value of one series of a metrics page."""
    return float(re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)[1])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_serves(api, service):
    assert check(api, service) == health_pb2.HealthCheckResponse.SERVING


def test_a_service_that_it_does_not_have_is_not_found(api):
    with pytest.raises(grpc.RpcError) as failure:
        check(api, "fusebox.v1.NoSuchService")
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_health_service(api):
    assert "grpc.health.v1.Health" in ProtoReflectionDescriptorDatabase(api.channel).get_services()


def test_a_breaker_serves_unless_it_is_open(api, name):
    assert error_of(lambda: check(api, f"breaker:{name}")).code == grpc.StatusCode.NOT_FOUND
    api.allow(name)
    assert check(api, f"breaker:{name}") == SERVING
    trip(api, name)
    assert check(api, f"breaker:{name}") == NOT_SERVING


def test_a_prefix_serves_unless_all_of_it_is_open(api, name):
    api.allow(f"{name}/a")
    trip(api, f"{name}/b")
    assert check(api, f"prefix:{name}") == SERVING
    assert check(api, f"prefix:{name}/b") == NOT_SERVING
    trip(api, f"{name}/a")
    eventually(lambda: check(api, f"prefix:{name}") == NOT_SERVING, "all of it is open")


def test_a_prefix_with_nothing_under_it_is_not_found(api, name):
    api.allow(f"{name}-more/a")
    error = error_of(lambda: check(api, f"prefix:{name}"))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "BREAKER_NOT_FOUND")


def test_a_watch_follows_a_breaker_that_comes_opens_and_goes(api, name):
    with watching(api, f"breaker:{name}") as answers:
        assert next(answers) == SERVICE_UNKNOWN
        api.allow(name)
        assert next(answers) == SERVING
        trip(api, name)
        assert next(answers) == NOT_SERVING
        api.admin.DeleteBreaker(
            admin_pb2.DeleteBreakerRequest(name=name, reason="test"), timeout=PATIENCE_S
        )
        assert next(answers) == SERVICE_UNKNOWN


def test_a_watch_follows_a_prefix(api, name):
    with watching(api, f"prefix:{name}") as answers:
        assert next(answers) == SERVICE_UNKNOWN
        api.allow(f"{name}/a")
        assert next(answers) == SERVING
        trip(api, f"{name}/a")
        assert next(answers) == NOT_SERVING
        api.allow(f"{name}/b")
        assert next(answers) == SERVING


def test_one_watch_too_many_names_the_flag(start, connect, name):
    api = connect(start("--max-watchers=1"))
    with watching(api, f"breaker:{name}") as first:
        assert next(first) == SERVICE_UNKNOWN
        with watching(api, f"prefix:{name}") as second, pytest.raises(grpc.RpcError) as failure:
            next(second)
        error = Error(failure.value)
        assert (error.code, error.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_WATCHERS",
        )
        assert "--max-watchers" in error.message


# What is open refuses the most calls, and what is said of many must lead to the one.
def test_the_health_of_a_prefix_in_full(api, name):
    api.allow(f"{name}/well")
    trip(api, f"{name}/open")
    for outcome in (pb.OUTCOME_FAILURE, pb.OUTCOME_SUCCESS):
        api.call(f"{name}/failing", outcome)
    answer = health_of(api, name)
    assert answer.health == admin_pb2.HEALTH_DEGRADED
    assert (answer.healthy, answer.degraded, answer.unhealthy) == (1, 1, 1)
    assert answer.score == 0.5
    worst = [(one.name, one.state, one.health, one.score) for one in answer.worst]
    assert worst == [
        (f"{name}/open", pb.STATE_OPEN, admin_pb2.HEALTH_UNHEALTHY, 1),
        (f"{name}/failing", pb.STATE_CLOSED, admin_pb2.HEALTH_DEGRADED, 0.5),
    ]


def test_the_health_of_nothing_is_an_error(api, name):
    missing = error_of(lambda: health_of(api, name))
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "BREAKER_NOT_FOUND")
    bad = error_of(lambda: health_of(api, f"{name}/"))
    assert (bad.code, bad.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BREAKER_NAME_INVALID")
    assert bad.fields == ["prefix"]


def test_the_pages_say_that_it_lives_and_is_ready(server):
    assert server.get("/healthz") == (200, "ok\n")
    assert server.get("/readyz") == (200, "ready\n")


def test_a_page_that_is_not_there_lists_those_that_are(server):
    status, text = server.get("/nowhere")
    assert status == 404
    for path in ("/metrics", "/healthz", "/readyz"):
        assert path in text


# A refusal is the server at work, not a server that is ill.
def test_an_open_breaker_is_no_reason_to_be_unhealthy(server, api, name):
    trip(api, name)
    assert api.get(name).state == pb.STATE_OPEN
    assert check(api, "readiness") == health_pb2.HealthCheckResponse.SERVING
    assert server.get("/readyz")[0] == 200


def test_metrics_count_what_was_decided(start, connect, name):
    process = start()
    api = connect(process)
    for _ in range(5):
        api.call(name, pb.OUTCOME_FAILURE)
    for _ in range(3):
        assert api.allow(name).decision == pb.DECISION_DENIED
    status, page = process.get("/metrics")
    assert status == 200
    assert sample(page, 'fusebox_breakers{state="open"}') == 1
    assert sample(page, f'fusebox_breaker_failures_total{{breaker="{name}"}}') == 5
    assert sample(page, f'fusebox_breaker_refused_total{{breaker="{name}"}}') == 3
