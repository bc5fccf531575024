"""fuseboxctl health."""

import json
from concurrent import futures

import grpc
import pytest
from cli_driver import run
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


def test_health_of_a_serving_server_exits_0(cli):
    assert cli.ok("health") == "SERVING\n"
    assert cli.ok("health", "readiness") == "SERVING\n"
    assert cli.json("health", "liveness") == {"status": "SERVING"}


def test_health_exits_3_for_a_service_that_the_server_does_not_have(cli):
    result = cli("health", "no.such.Service")
    assert (result.returncode, result.stdout) == (3, "")
    assert 'has no service "no.such.Service"; leave SERVICE out' in result.stderr


def test_health_exits_1_for_bad_flags_like_grpc_health_probe():
    result = run("health", "--frobnicate")
    assert (result.returncode, result.stdout) == (1, "")
    assert "--frobnicate" in result.stderr


def test_health_exits_2_without_a_connection(closed_port, mute_port):
    for port in (closed_port, mute_port):
        result = run("health", "--server", f"127.0.0.1:{port}", "--timeout", "200ms")
        assert (result.returncode, result.stdout) == (2, "")
        assert f"no server answers at 127.0.0.1:{port}" in result.stderr


def test_health_exits_3_when_the_server_does_not_answer_in_time(stuck_port):
    result = run("health", "--server", f"127.0.0.1:{stuck_port}", "--timeout", "500ms")
    assert (result.returncode, result.stdout) == (3, "")
    assert f"DEADLINE_EXCEEDED from 127.0.0.1:{stuck_port}" in result.stderr


@pytest.fixture
def unwell():
    """The address of a server that is up, and whose every service is not."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = health.HealthServicer()
    servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(grace=None).wait()


def test_health_exits_4_when_the_server_takes_no_calls(unwell):
    result = run("health", "--server", unwell)
    assert (result.returncode, result.stdout, result.stderr) == (4, "NOT_SERVING\n", "")
    result = run("health", "--server", unwell, "-o", "json")
    assert (result.returncode, json.loads(result.stdout)) == (4, {"status": "NOT_SERVING"})
