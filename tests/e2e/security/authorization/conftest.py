"""Servers that know everybody, by tokens and by certificates, and channels of each."""

import contextlib

import pytest
from api import Api
from clients import WithHeader, bearer, plain_channel, secure_channel, sha256
from everybody import EVERYBODY, HERE, OTHERS, OURS, token_of, uri_of
from fusebox.v1 import admin_pb2, admin_pb2_grpc, breaker_pb2
from server_process import ServerProcess
from timing import PATIENCE_S


@pytest.fixture(scope="package")
def identities(tmp_path_factory):
    """One identity per role and scope, each known by a token and by a certificate."""
    lines = ["identities:"]
    for name, role, match in EVERYBODY:
        lines += [
            f"- name: {name}",
            f"  token_sha256: [{sha256(token_of(name))}]",
            f"  san: ['{uri_of(name)}']",
            f"  grants: [{{role: {role}, match: ['{match}']}}]",
        ]
    path = tmp_path_factory.mktemp("identities") / "identities.yaml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="package")
def policies(tmp_path_factory):
    path = tmp_path_factory.mktemp("policies") / "fusebox.yaml"
    path.write_text(
        "policies:\n"
        f"- {{name: ours, match: ['{OURS}'], circuit_breaker: {{max_probes: 2}}}}\n"
        f"- {{name: theirs, match: ['{OTHERS}'], circuit_breaker: {{max_probes: 4}}}}\n"
    )
    return path


@contextlib.contextmanager
def serving(*flags, connect):
    """A server with a breaker that exists and that is overridden."""
    with ServerProcess("--store=memory", *flags) as process:
        channel = connect(process)
        Api("", channel=channel).allow(HERE)
        admin_pb2_grpc.AdminServiceStub(channel).OverrideBreaker(
            admin_pb2.OverrideBreakerRequest(
                match=HERE, mode=breaker_pb2.OVERRIDE_MODE_SHADOW, reason="test", actor="nobody"
            ),
            timeout=PATIENCE_S,
        )
        channel.close()
        yield process


@pytest.fixture(scope="package")
def server(identities, policies):
    """Where tokens say who calls."""
    operator = bearer(token_of("operator-all"))
    with serving(
        f"--identities={identities}",
        f"--config={policies}",
        connect=lambda process: plain_channel(process.address, operator),
    ) as process:
        yield process


@pytest.fixture(scope="package")
def mutual(identities, policies, authority, server_pair):
    """Where certificates do."""
    pair = authority.issue("operator", f"URI:{uri_of('operator-all')}")
    with serving(
        f"--tls-cert={server_pair.certificate}",
        f"--tls-key={server_pair.key}",
        f"--tls-client-ca={authority.certificate}",
        f"--identities={identities}",
        f"--config={policies}",
        connect=lambda process: secure_channel(process.address, authority, pair),
    ) as process:
        yield process


class Channels:
    """Channels by who shows what, each opened once."""

    def __init__(self):
        self._open = {}

    def get(self, key, make):
        if key not in self._open:
            self._open[key] = make()
        return self._open[key]

    def close(self):
        for channel in self._open.values():
            channel.close()


@pytest.fixture(scope="package")
def channels(server, mutual):
    opened = Channels()
    yield opened
    opened.close()


@pytest.fixture
def with_header(channels, server):
    """Channels that send a header, or none."""

    def make(*header):
        interceptor = WithHeader(header) if header else None
        return channels.get(header, lambda: plain_channel(server.address, interceptor))

    return make


@pytest.fixture
def as_token(with_header):
    return lambda name: with_header("authorization", f"Bearer {token_of(name)}")


@pytest.fixture
def as_certificate(channels, mutual, authority):
    """Channels that show a certificate of ours."""

    def make(name):
        def connect():
            pair = authority.issue(name, f"URI:{uri_of(name)}")
            return secure_channel(mutual.address, authority, pair)

        return channels.get(("certificate", name), connect)

    return make
