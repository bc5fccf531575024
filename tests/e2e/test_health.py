"""What load balancers, orchestrators and Prometheus ask of a server that serves."""

import re

import grpc
import pytest
from fusebox.v1 import breaker_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc
from timing import PATIENCE_S

SERVICES = ("", "fusebox.v1.BreakerService", "fusebox.v1.AdminService", "liveness", "readiness")


def check(api, service):
    stub = health_pb2_grpc.HealthStub(api.channel)
    return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=PATIENCE_S).status


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
    for _ in range(5):
        api.call(name, pb.OUTCOME_FAILURE)
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
