"""Unary calls over HTTP, by Connect's protocol: JSON or Protobuf, with the errors of gRPC."""

import base64
import concurrent.futures
import hashlib
import http.client
import json
import random
import signal

import pytest
from api import error_of
from fusebox.v1 import breaker_pb2

BREAKERS = "/fusebox.v1.BreakerService"
ADMIN = "/fusebox.v1.AdminService"


def call(server, method, request, **headers):
    """Returns the status and the answer."""
    status, body = server.post(f"{BREAKERS}/{method}", json.dumps(request), headers)
    return status, json.loads(body)


def reason_of(error):
    """Of the ErrorInfo among the details."""
    [info] = [each for each in error["details"] if each["type"] == "google.rpc.ErrorInfo"]
    return info["debug"]["reason"]


def test_a_call_is_asked_for_and_told_of(server, name):
    status, answer = call(server, "Allow", {"breaker": name})
    assert status == 200
    assert answer["decision"] == "DECISION_ALLOWED"
    ended = {"breaker": name, "permit": answer["permit"], "httpStatus": 503, "latency": "0.2s"}
    status, verdict = call(server, "Record", ended)
    assert status == 200
    assert (verdict["outcome"], verdict["counted"]) == ("OUTCOME_FAILURE", "COUNTED_COUNTED")
    assert call(server, "Record", ended)[1]["counted"] == "COUNTED_REPEATED"


def test_gRPC_sees_the_same_breaker(server, api, name):  # noqa: N802
    for _ in range(5):
        call(server, "Record", {"breaker": name, "outcome": "OUTCOME_FAILURE"})
    assert api.get(name).state == breaker_pb2.STATE_OPEN
    assert api.get(name).last_transition.failing_clients == ["127.0.0.1"]
    status, answer = call(server, "Allow", {"breaker": name})
    assert status == 200, "a refusal is no error"
    assert (answer["decision"], answer["reason"]) == ("DECISION_DENIED", "REASON_OPEN")


def test_it_takes_protobuf_as_well(server, name):
    request = breaker_pb2.AllowRequest(breaker=name).SerializeToString()
    headers = {"Content-Type": "application/proto"}
    connection = http.client.HTTPConnection(server.http)
    connection.request("POST", f"{BREAKERS}/Allow", request, headers)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/proto"
    answer = breaker_pb2.AllowResponse.FromString(response.read())
    connection.close()
    assert answer.decision == breaker_pb2.DECISION_ALLOWED


def test_an_error_is_that_of_gRPC(server, api):  # noqa: N802
    status, error = call(server, "Allow", {"breaker": "a//b"})
    expected = error_of(lambda: api.allow("a//b"))
    assert status == 400
    assert list(error) == ["code", "message", "details"]
    assert error["code"] == "invalid_argument"
    assert error["message"] == expected.message
    assert reason_of(error) == expected.reason == "BREAKER_NAME_INVALID"
    for detail in error["details"]:
        assert base64.b64decode(detail["value"] + "==")


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "reason"),
    [
        (f"{BREAKERS}/Allow", '{"breaker": 1}', {}, 400, "BODY_INVALID"),
        (f"{BREAKERS}/Allow", '{"braker": "a"}', {}, 400, "BODY_INVALID"),
        (f"{BREAKERS}/Allow", "{", {}, 400, "BODY_INVALID"),
        (f"{BREAKERS}/Allow", "[" * 100_000, {}, 400, "BODY_INVALID"),
        (f"{BREAKERS}/Allow", "", {"Content-Type": "text/plain"}, 415, "CONTENT_TYPE_UNKNOWN"),
        (f"{BREAKERS}/Allow", "{}", {"Connect-Timeout-Ms": "soon"}, 400, "TIMEOUT_INVALID"),
        (f"{BREAKERS}/Nope", "{}", {}, 501, "METHOD_UNKNOWN"),
        (f"{BREAKERS}/Session", "{}", {}, 501, "METHOD_STREAMS"),
        (f"{ADMIN}/GetBreaker", '{"name": "nobody"}', {}, 404, "BREAKER_NOT_FOUND"),
        (f"{ADMIN}/ResetBreaker", '{"name": "a"}', {}, 403, "PERMISSION_DENIED"),
    ],
)
def test_what_is_wrong_is_said(server, path, body, headers, status, reason):
    answered, text = server.post(path, body, headers)
    assert answered == status, text
    assert reason_of(json.loads(text)) == reason


def test_a_method_that_is_not_posted_is_refused(server):
    status, text = server.get(f"{BREAKERS}/Allow")
    assert (status, text) == (405, '"GET" is not for this page; use POST\n')


def test_a_body_that_is_too_long_is_refused(server):
    # Who announces too much need not send it.
    status, text = server.post(f"{BREAKERS}/Allow", "", {"Content-Length": "1100000"})
    assert status == 413, text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/json/breakers", "/"])
def test_pages_of_others_have_no_use_of_it(server, path, headers, status):
    assert server.get(path, headers)[0] == status


def test_tokens_are_asked_for_by_the_same_roles(start, tmp_path):
    token = "abcd" * 16
    identities = tmp_path / "identities.yaml"
    identities.write_text(
        "identities:\n- name: ci\n"
        f"  token_sha256: ['{hashlib.sha256(token.encode()).hexdigest()}']\n"
        "  grants: [{role: OPERATOR, match: ['db/**']}]\n"
    )
    server = start(f"--identities={identities}")
    assert call(server, "Allow", {"breaker": "db/orders"})[0] == 401
    known = {"Authorization": f"Bearer {token}"}
    assert call(server, "Allow", {"breaker": "db/orders"}, **known)[0] == 200
    status, error = call(server, "Allow", {"breaker": "mail/smtp"}, **known)
    assert (status, reason_of(error)) == (403, "PERMISSION_DENIED")
    for bad in ("Bearer \xff", "Bearer", "Basic abc"):
        status, error = call(server, "Allow", {"breaker": "db/orders"}, Authorization=bad)
        assert status == 401, error
    assert server.post(f"{BREAKERS}/Allow", "{}", {"Authorization": "Bearer \x01"})[0] == 400
    change = json.dumps({"name": "db/orders", "reason": "to see it"})
    assert server.post(f"{ADMIN}/ResetBreaker", change)[0] == 401
    assert server.post(f"{ADMIN}/ResetBreaker", change, known)[0] == 200


@pytest.fixture
def everywhere(start):
    """Starts a server on all addresses, and asks it on one of them."""

    def start_one(*flags):
        server = start(*flags, http_listen="0.0.0.0:0")
        server.http = server.http.replace("0.0.0.0", "127.0.0.1")
        return server

    return start_one


def test_beyond_loopback_there_are_metrics_and_health_only(everywhere):
    server = everywhere("--insecure", "--listen=0.0.0.0:0")
    for path in ("/", "/json/breakers", "/breaker?name=a"):
        status, text = server.get(path)
        assert status == 403, text
        assert "--http-insecure" in text
    assert server.post(f"{BREAKERS}/Allow", '{"breaker": "a"}')[0] == 403
    assert [server.get(path)[0] for path in ("/metrics", "/healthz", "/readyz")] == [200] * 3


def test_beyond_loopback_it_is_served_to_who_asks_for_it(everywhere):
    server = everywhere("--http-insecure", "--http-name=fusebox.prod.example")
    assert server.get("/json/breakers")[0] == 200
    assert server.get("/json/breakers", {"Host": "fusebox.prod.example"})[0] == 200
    assert server.get("/json/breakers", {"Host": "evil.example"})[0] == 421
    assert server.get("/metrics", {"Host": "whatever.prometheus.calls.it"})[0] == 200
    assert any("event=http_insecure" in line for line in server.log)


def test_on_loopback_metrics_are_not_for_pages_of_others(server):
    assert server.get("/metrics", {"Host": "evil.example"})[0] == 421


def test_calls_that_wait_keep_nobody_else_out(start):
    server = start(
        config="""
        policies:
        - name: default
          bulkhead: {max_concurrent: 1}
          queue: {max_queue: 100}
        """
    )
    assert call(server, "Allow", {"breaker": "a"})[0] == 200
    waiting = json.dumps({"breaker": "a", "maxWait": "3s"})
    with concurrent.futures.ThreadPoolExecutor(70) as pool:
        calls = [pool.submit(server.post, f"{BREAKERS}/Allow", waiting) for _ in range(70)]
        while sum(each.done() for each in calls) < 6:
            assert server.get("/healthz")[0] == 200
            assert server.post(f"{ADMIN}/GetServerInfo", "{}")[0] == 200
        statuses = [each.result()[0] for each in calls]
    assert statuses.count(429) >= 6, "64 are under way at a time"
    counter = 'fusebox_http_requests_total{route="/fusebox.v1.BreakerService/",code="%d"} %d\n'
    _, page = server.get("/metrics")
    for status in (200, 429):
        of_it = statuses.count(status) + (status == 200)
        assert counter % (status, of_it) in page


def test_no_bytes_end_the_server(start):
    server = start()
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    good = json.dumps({"breaker": "a/b", "attempt": 1, "maxWait": "0.01s", "fallbacks": ["c"]})
    for _ in range(500):
        broken = bytearray(good.encode())
        for _ in range(source.randrange(1, 6)):
            broken[source.randrange(len(broken))] = source.randrange(256)
        kind = source.choice(["application/json", "application/proto"])
        status, _ = server.post(f"{BREAKERS}/Allow", bytes(broken), {"Content-Type": kind})
        assert status in (200, 400), broken
    assert server.get("/healthz")[0] == 200


def test_a_server_that_stops_says_so_and_ends(start):
    server = start("--drain-timeout=5s", "--lame-duck=0s", config="policies:\n- {name: default, "
                   "bulkhead: {max_concurrent: 1}}\n")
    assert call(server, "Allow", {"breaker": "a"})[0] == 200
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, server, "Allow", {"breaker": "a", "maxWait": "5s"})
        metrics = "fusebox_waiting_calls 1"
        while metrics not in server.get("/metrics")[1]:
            pass
        assert "fusebox_waits_total 1\n" in server.get("/metrics")[1]
        server.signal(signal.SIGTERM)
        status, answer = waiting.result()
    assert (status, answer["reason"]) == (200, "REASON_BULKHEAD"), "its wait was over"
    assert server.wait() == 0
