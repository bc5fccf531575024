"""TLS on the port of gRPC: who gets through, and where there is none."""

import contextlib
import socket

import grpc
import pytest
from api import error_of
from clients import bearer, sha256
from fusebox.v1 import breaker_pb2 as pb
from server_process import FREE_PORT, run
from timing import PATIENCE_S, boottime, eventually

BAD_USAGE = 2
ANYWHERE = "0.0.0.0:0"
IDENTITIES = f"""
identities:
- name: ci
  token_sha256: ["{sha256('s3cret')}"]
  grants: [{{role: OPERATOR, match: ["**"]}}]
"""


def port_of(server):
    return server.address.rsplit(":", 1)[1]


def test_a_client_that_believes_in_the_authority_gets_through(start, tls_flags, tls_client, name):
    server = start(*tls_flags())
    assert tls_client(server).allow(name).decision == pb.DECISION_ALLOWED


def test_a_client_that_does_not_is_told_nothing(start, tls_flags, tls_client, stranger, name):
    server = start(*tls_flags())
    error = error_of(lambda: tls_client(server, trust=stranger).allow(name))
    assert error.code == grpc.StatusCode.UNAVAILABLE


def test_plaintext_is_not_answered_on_a_port_of_tls(start, tls_flags, plain_client, name):
    server = start(*tls_flags())
    error = error_of(lambda: plain_client(server.address).allow(name))
    assert error.code == grpc.StatusCode.UNAVAILABLE


# Anybody can make gRPC complain, as often as they like.
def test_failed_handshakes_are_lines_of_the_log_and_few(start, tls_flags):
    server = start(*tls_flags())

    def fail():
        with socket.create_connection(("127.0.0.1", int(port_of(server)))) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            plain.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionError):
                while plain.recv(100):
                    pass

    before = boottime()
    for _ in range(200):
        fail()
    eventually(lambda: fail() or "left_out=" in "".join(server.log), "a line after those left out")
    lines = [line for line in server.log if "event=grpc " in line]
    assert len(lines) <= 10 * (2 + boottime() - before)
    assert all("level=warning" in line and "Handshake" in line for line in lines)
    assert all(line.startswith("ts=") for line in server.log)


def test_mutual_tls_wants_a_certificate_of_the_authority(
    start, tls_flags, tls_client, authority, stranger, name
):
    server = start(*tls_flags(mutual=True))
    good = authority.issue("good", "URI:spiffe://prod/good")
    assert tls_client(server, good).allow(name).decision == pb.DECISION_ALLOWED
    expired = authority.issue("late", "URI:spiffe://prod/late", days=-1)
    foreign = stranger.issue("foreign", "URI:spiffe://prod/good")
    for pair in (None, expired, foreign):
        error = error_of(lambda: tls_client(server, pair).allow(name))
        assert error.code == grpc.StatusCode.UNAVAILABLE, pair


def test_a_unix_socket_stays_in_plaintext(
    start, tls_flags, tls_client, plain_client, name, tmp_path
):
    socket = f"unix:{tmp_path}/f.sock"
    server = start(*tls_flags(mutual=True), listen=(FREE_PORT, socket))
    assert plain_client(socket).allow(name).decision == pb.DECISION_ALLOWED


@pytest.mark.parametrize("address", [ANYWHERE, "[::]:0"])
def test_plaintext_beyond_loopback_is_refused_unless_asked_for(address):
    ended = run(f"--listen={address}")
    assert ended.returncode == BAD_USAGE
    assert f'--listen is "{address}", which other machines reach' in ended.stderr
    assert "--tls-cert" in ended.stderr and "--insecure" in ended.stderr


def test_plaintext_that_was_asked_for_is_warned_of_at_every_start(start, plain_client, name):
    server = start("--insecure", listen=(ANYWHERE,))
    address = f"127.0.0.1:{port_of(server)}"
    assert plain_client(address).allow(name).decision == pb.DECISION_ALLOWED
    warnings = [line for line in server.log if "level=warning" in line]
    assert len(warnings) == 2
    assert f"event=insecure listen={ANYWHERE}" in warnings[0]
    assert f"event=everybody_may_do_everything listen={ANYWHERE}" in warnings[1]
    assert "--identities" in warnings[1]


def test_tls_beyond_loopback_without_identities_is_warned_of(start, tls_flags):
    server = start(*tls_flags(), listen=(ANYWHERE,))
    (warning,) = (line for line in server.log if "level=warning" in line)
    assert 'event=everybody_may_do_everything listen=0.0.0.0:0 who="who can connect"' in warning


# Probes of Kubernetes need that port, and names of breakers come with it.
def test_metrics_that_others_can_read_are_warned_of_while_they_name_breakers(start):
    def warnings(*flags):
        log = start(*flags, http_listen=ANYWHERE).log
        return [line for line in log if "level=warning" in line]

    (warning,) = warnings()
    assert f"event=everybody_may_read_metrics http_listen={ANYWHERE}" in warning
    assert "--metrics-max-breakers=0" in warning
    assert warnings("--metrics-max-breakers=0") == []


def test_a_server_of_loopback_alone_has_nothing_to_warn_of(start):
    assert not [line for line in start().log if "level=warning" in line]


# Who listens on the way to loopback is on this machine; beyond it somebody asked for it.
def test_tokens_work_in_plaintext_where_there_is_plaintext(start, plain_client, name, tmp_path):
    identities = tmp_path / "identities.yaml"
    identities.write_text(IDENTITIES)
    socket = f"unix:{tmp_path}/f.sock"
    server = start(f"--identities={identities}", listen=(FREE_PORT, socket))
    for address in (server.address, socket):
        assert plain_client(address, bearer("s3cret")).allow(name)
        assert error_of(lambda: plain_client(address).allow(name)).reason == "CREDENTIALS_MISSING"
    open_to_all = start(f"--identities={identities}", "--insecure", listen=(ANYWHERE,))
    assert plain_client(f"127.0.0.1:{port_of(open_to_all)}", bearer("s3cret")).allow(name)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tls-cert={certificate}"], "tls_key is empty; set that too"),
        (["--tls-key={key}"], "tls_cert is empty; set that too"),
        (["--tls-client-ca={certificate}"], "tls_cert is empty; set that too"),
        (["--tls-cert=none.pem", "--tls-key={key}"], '"none.pem" cannot be read'),
        (["--tls-cert={key}", "--tls-key={key}"], "holds no certificate; write it in PEM"),
        (["--tls-cert={certificate}", "--tls-key={certificate}"], "holds no private key"),
        (["--tls-cert={certificate}", "--tls-key={other_key}"], "is not the key of the first"),
        (["--tls-cert={expired}", "--tls-key={expired_key}"], "expired at "),
        (
            ["--tls-cert={certificate}", "--tls-key={key}", "--tls-client-ca={key}"],
            "holds no certificate",
        ),
        (["--identities=none.yaml"], '"none.yaml" cannot be read (No such file'),
    ],
)
def test_a_server_does_not_start_with_half_of_what_it_needs(flags, said, authority, server_pair):
    expired = authority.issue("expired", days=-1)
    paths = {
        "certificate": server_pair.certificate,
        "key": server_pair.key,
        "other_key": expired.key,
        "expired": expired.certificate,
        "expired_key": expired.key,
    }
    ended = run(f"--listen={FREE_PORT}", *(flag.format(**paths) for flag in flags))
    assert ended.returncode == BAD_USAGE
    assert said in ended.stderr
