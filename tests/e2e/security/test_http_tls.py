"""TLS on the HTTP port, for who asks for it."""

import contextlib
import http.client
import json
import socket
import ssl
import struct
import time

import pytest
from api import SUCCESS
from clients import sha256
from served import Served, der, shown_at
from timing import PATIENCE_S, eventually

ALLOW = "/fusebox.v1.BreakerService/Allow"


@pytest.fixture
def served(tmp_path, server_pair):
    return Served(tmp_path, server_pair)


@pytest.fixture
def everywhere(start, served, tls_flags):
    """Starts a server on all addresses, and asks it on one of them."""

    def start_one(*flags):
        server = start(*tls_flags(pair=served.pair), *flags, http_listen="0.0.0.0:0")
        server.http = server.http.replace("0.0.0.0", "localhost")
        return server

    return start_one


def ask(server, authority, method, path, body=None, headers=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    connection = http.client.HTTPSConnection(server.http, timeout=PATIENCE_S, context=context)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()


def handshake_faults(server):
    return [line for line in server.log if "event=http_handshake_failed" in line]


def test_beyond_loopback_pages_and_calls_are_served_by_tls(everywhere, authority):
    server = everywhere("--http-tls")
    assert ask(server, authority, "GET", "/")[0] == 200
    assert ask(server, authority, "GET", "/metrics")[0] == 200
    assert ask(server, authority, "GET", "/healthz") == (200, "ok\n")
    json_type = {"Content-Type": "application/json"}
    status, answer = ask(server, authority, "POST", ALLOW, '{"breaker": "a"}', json_type)
    assert (status, json.loads(answer)["decision"]) == (200, "DECISION_ALLOWED")
    assert not [line for line in server.log if "event=http_insecure" in line]


def test_a_large_page_comes_whole(everywhere, authority, tls_client):
    server = everywhere("--http-tls", "--metrics-max-breakers=5000")
    tls_client(server).batch(*({"breaker": f"b/{i}", "outcome": SUCCESS} for i in range(5_000)))
    status, text = ask(server, authority, "GET", "/metrics")
    assert status == 200 and len(text) > 1_000_000
    assert text.endswith("\n") and 'fusebox_breaker_state{breaker="b/4999"' in text


def test_who_believes_in_somebody_else_is_told_nothing(everywhere, stranger):
    server = everywhere("--http-tls")
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(server, stranger, "GET", "/healthz")
    eventually(lambda: handshake_faults(server), "said in the log")
    assert "peer=127.0.0.1" in handshake_faults(server)[0]


def test_who_went_before_it_was_looked_at_is_named_all_the_same(everywhere):
    server = everywhere("--http-tls")
    host, port = server.http.split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as reset:
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: handshake_faults(server), "said in the log")
    assert "peer=127.0.0.1" in handshake_faults(server)[0]


def test_a_probe_that_only_connects_is_no_fault(everywhere, authority):
    server = everywhere("--http-tls")
    host, port = server.http.split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as probe:
        probe.shutdown(socket.SHUT_WR)
        assert probe.recv(1) == b"", "and the server has seen it"
    assert not handshake_faults(server)
    _, page = ask(server, authority, "GET", "/metrics")
    assert "fusebox_http_handshake_failures_total 0\n" in page


def test_plaintext_is_not_answered(everywhere, authority):
    server = everywhere("--http-tls")
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        server.get("/healthz")
    eventually(lambda: handshake_faults(server), "said in the log")
    assert "http request" in handshake_faults(server)[0]
    _, page = ask(server, authority, "GET", "/metrics")
    assert "fusebox_http_handshake_failures_total 1\n" in page


def test_without_it_the_port_stays_in_plaintext_and_shut(everywhere):
    server = everywhere()
    assert server.get("/healthz")[0] == 200
    status, text = server.get("/")
    assert status == 403 and "--http-tls" in text


def test_new_connections_see_the_newest_certificate(everywhere, authority, served):
    server = everywhere("--http-tls")
    assert shown_at(server.http) == der(served.pair)
    served.replace(authority.issue("server"), Served.rename)
    eventually(lambda: shown_at(server.http) == der(served.pair), "the new one")
    assert ask(server, authority, "GET", "/healthz")[0] == 200


def test_clients_show_a_token_where_grpc_asks_for_a_certificate(
    everywhere, authority, tls_flags, tmp_path
):
    mutual = tls_flags(mutual=True)[-1]
    server = everywhere("--http-tls", mutual)
    assert ask(server, authority, "GET", "/")[0] == 403
    identities = tmp_path / "identities.yaml"
    identities.write_text(
        f"identities:\n- name: ada\n  token_sha256: ['{sha256('s3cret')}']\n"
        "  grants: [{role: READER, match: ['**']}]\n"
    )
    server = everywhere("--http-tls", mutual, f"--identities={identities}")
    assert ask(server, authority, "GET", "/json/breakers")[0] == 401
    token = {"Authorization": "Bearer s3cret"}
    assert ask(server, authority, "GET", "/json/breakers", headers=token)[0] == 200


def test_who_never_ends_a_handshake_holds_nobody_up(everywhere, authority):
    server = everywhere("--http-tls")
    host, port = server.http.split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            silent = http.client.HTTPConnection(host, int(port))
            stack.enter_context(contextlib.closing(silent)).connect()
        began = time.monotonic()
        assert ask(server, authority, "GET", "/healthz")[0] == 200
        assert time.monotonic() - began < 4, "not after their 5 s"
