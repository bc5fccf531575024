"""Health of the server is open to all who connect, health of breakers to who may read them."""

import grpc
import pytest
from api import Error
from everybody import HERE, METHODS, NOWHERE, assert_made
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from methods import call
from timing import PATIENCE_S, eventually


def test_health_and_reflection_are_open_to_who_can_connect(with_header):
    health = health_pb2_grpc.HealthStub(with_header())
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    services_shown = ProtoReflectionDescriptorDatabase(with_header()).get_services()
    assert "fusebox.v1.AdminService" in services_shown


# Of a breaker that exists. Which one it is depends on what other tests have recorded.
ANSWERS = (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)


def check_health(channel, service):
    """What a health check answers, or why it does not."""
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S).status
    except grpc.RpcError as error:
        return Error(error).reason


# A probe has no credentials, but what it may ask without them is about the server alone.
def test_the_health_of_breakers_takes_a_reader(with_header, as_token):
    for service in (f"breaker:{HERE}", "prefix:ours", "prefix:"):
        assert check_health(with_header(), service) == "CREDENTIALS_MISSING"
        assert check_health(as_token("caller-all"), service) == "PERMISSION_DENIED"
        for reader in ("reader-all", "reader-ours", "operator-ours"):
            assert check_health(as_token(reader), service) in ANSWERS


def test_what_exists_is_no_secret_told_by_a_health_check(as_token):
    reader = as_token("reader-others")
    for name in (HERE, NOWHERE):
        assert check_health(reader, f"breaker:{name}") == "PERMISSION_DENIED"
        assert check_health(reader, f"prefix:{name}") == "BREAKER_NOT_FOUND"
    assert check_health(as_token("reader-ours"), f"breaker:{NOWHERE}") == "BREAKER_NOT_FOUND"


@pytest.mark.parametrize("service", [f"breaker:{HERE}", "prefix:ours"])
def test_a_health_watch_of_breakers_takes_a_reader(service, with_header, as_token):
    def first(channel):
        stub = health_pb2_grpc.HealthStub(channel)
        call = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S)
        try:
            return next(call).status
        except grpc.RpcError as error:
            return Error(error).reason
        finally:
            call.cancel()

    assert first(with_header()) == "CREDENTIALS_MISSING"
    assert first(as_token("caller-ours")) == "PERMISSION_DENIED"
    assert first(as_token("reader-ours")) in ANSWERS


# Of what others see in it, nothing is told: neither that it is there, nor how it is.
def test_the_health_of_a_prefix_is_that_of_what_the_caller_sees(as_token):
    assert_made(call(as_token("operator-all"), METHODS["Allow"], "others/there"))

    def breakers(reader):
        answer = call(as_token(reader), METHODS["GetHealth"], "")
        return answer.healthy + answer.degraded + answer.unhealthy

    ours, others = breakers("reader-ours"), breakers("reader-others")
    assert ours > 0 and others > 0
    eventually(lambda: breakers("reader-all") >= ours + others, "a report of all of them")
