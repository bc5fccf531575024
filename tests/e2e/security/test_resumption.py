"""A client that resumes the TLS session of an earlier connection shows no certificate anew."""

import grpc
import pytest
from api import Api, error_of
from clients import bearer, secure_channel, sha256
from fusebox.v1 import breaker_pb2 as pb
from grpc.experimental import session_cache

DAY_S = 86400
HALF_HOUR_S = 1800  # Sessions are good for two hours.
URI = "spiffe://prod/payments"
IDENTITIES = f"""
identities:
- name: payments
  token_sha256: ["{sha256('s3cret')}"]
  san: ["{URI}"]
  grants: [{{role: OPERATOR, match: ["**"]}}]
"""


@pytest.fixture(params=[False, True], ids=["by-certificate", "by-identity"])
def server(request, start, tls_flags, wall_clock, tmp_path):
    """Whose own certificate and authority are good for longer than those of its clients."""
    flags = tls_flags(mutual=True)
    if request.param:
        identities = tmp_path / "identities.yaml"
        identities.write_text(IDENTITIES)
        flags.append(f"--identities={identities}")
    return start(*flags, env=wall_clock.environment)


@pytest.fixture
def payments(authority):
    return authority.issue("payments", f"URI:{URI}", days=2)


@pytest.fixture
def connect_with(server, authority, payments):
    """Makes clients that share a cache of sessions."""
    cache = ("grpc.ssl_session_cache", session_cache.ssl_session_cache_lru(8))

    def connect(*options, interceptor=None):
        channel = secure_channel(server.address, authority, payments, interceptor, options)
        return Api(server.address, channel=channel)

    connect.caching = lambda interceptor=None: connect(cache, interceptor=interceptor)
    return connect


def test_a_session_is_resumed_while_the_certificate_is_good(connect_with, wall_clock, name):
    for shift_s in (0, DAY_S):
        wall_clock.set(shift_s)
        with connect_with.caching() as client:
            assert client.allow(name).decision == pb.DECISION_ALLOWED


# Neither the history nor a quorum has a name that nobody can prove any more.
@pytest.mark.parametrize("interceptor", [None, bearer("s3cret")], ids=["certificate", "token"])
def test_a_session_is_no_way_around_the_end_of_a_certificate(
    interceptor, connect_with, wall_clock, name
):
    wall_clock.set(2 * DAY_S - HALF_HOUR_S)
    for _ in range(2):
        with connect_with.caching() as client:
            client.allow(name)
    wall_clock.set(2 * DAY_S + HALF_HOUR_S)
    with connect_with.caching(interceptor) as client:
        error = error_of(lambda: client.allow(name))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_EXPIRED")
    with connect_with() as client:
        assert error_of(lambda: client.allow(name)).code == grpc.StatusCode.UNAVAILABLE


# Certificates that live for an hour are replaced without a break in what is connected.
def test_who_is_connected_stays_so_when_the_certificate_ends(connect_with, wall_clock, name):
    with connect_with() as client:
        client.allow(name)
        wall_clock.set(3 * DAY_S)
        assert client.allow(name).decision == pb.DECISION_ALLOWED
