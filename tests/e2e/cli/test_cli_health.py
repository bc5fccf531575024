"""fuseboxctl health."""

import json
from concurrent import futures

import grpc
import pytest
from cli_driver import fields, run
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


def test_health_of_a_breaker_and_of_a_prefix_is_one_word(cli, name):
    cli.ok("allow", f"{name}/well")
    cli.trip(f"{name}/open")
    assert cli.ok("health", f"breaker:{name}/well") == "SERVING\n"
    assert cli.ok("health", f"prefix:{name}") == "SERVING\n"
    for service in (f"breaker:{name}/open", f"prefix:{name}/open"):
        result = cli("health", service)
        assert (result.returncode, result.stdout, result.stderr) == (4, "NOT_SERVING\n", "")


def test_health_of_a_breaker_that_is_not_there_exits_3_and_says_why(cli, name):
    for service in (f"breaker:{name}", f"prefix:{name}"):
        result = cli("health", service)
        assert (result.returncode, result.stdout) == (3, "")
        assert "NOT_FOUND" in result.stderr and name in result.stderr
        assert "breakers appear with their first Allow" in result.stderr


def test_health_of_a_prefix_in_full(cli, name):
    cli.ok("allow", f"{name}/well")
    cli.trip(f"{name}/open")
    shown = fields(cli.ok("health", "--prefix", name))
    assert shown == {
        "health": "DEGRADED",
        "score": "1.00",
        "breakers": "1 healthy, 0 degraded, 1 unhealthy",
        "worst": f"{name}/open: UNHEALTHY, OPEN, score 1.00",
    }
    answer = cli.json("health", "--prefix", name)
    assert answer["health"] == "HEALTH_DEGRADED"
    assert [one["name"] for one in answer["worst"]] == [f"{name}/open"]
    assert cli.ok("health", "--prefix", name, "-o", "name") == f"{name}/open\n"


def test_health_of_all_breakers(cli, name):
    cli.ok("allow", name)
    assert int(cli.json("health", "--prefix", "")["healthy"]) > 0


def test_health_of_a_prefix_exits_4_when_nothing_under_it_takes_calls(cli, name):
    cli.trip(f"{name}/open")
    result = cli("health", "--prefix", name)
    assert result.returncode == 4
    assert fields(result.stdout)["health"] == "UNHEALTHY"


def test_health_of_a_prefix_fails_like_the_rest(cli, name, closed_port):
    missing = cli("health", "--prefix", name)
    assert (missing.returncode, missing.stdout) == (3, "")
    assert "reason: BREAKER_NOT_FOUND" in missing.stderr
    bad = cli("health", "--prefix", f"{name}/")
    assert bad.returncode == 3 and "ends with a slash" in bad.stderr
    both = cli("health", "readiness", "--prefix", name)
    assert (both.returncode, both.stdout) == (1, "")
    gone = run("health", "--prefix", name, "--server", f"127.0.0.1:{closed_port}", "--timeout", "200ms")
    assert gone.returncode == 2
