"""What tests of identity start from: authorities, and servers that serve TLS."""

import contextlib

import pytest
from api import Api
from certificates import Authority
from clients import plain_channel, secure_channel


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Whom the servers and their clients believe in."""
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """Whom nobody believes in."""
    return Authority(tmp_path_factory.mktemp("theirs"), "theirs")


@pytest.fixture(scope="session")
def server_pair(authority):
    return authority.issue("server")


@pytest.fixture
def tls_flags(authority, server_pair):
    """Makes the flags of a server with TLS; mutual if asked to."""

    def make(mutual=False, pair=server_pair):
        flags = [f"--tls-cert={pair.certificate}", f"--tls-key={pair.key}"]
        return flags + [f"--tls-client-ca={authority.certificate}"] * mutual

    return make


@pytest.fixture
def tls_client(authority, start):
    """Makes clients over TLS; after `start`, so that they are gone before it is told to stop."""
    with contextlib.ExitStack() as stack:

        def make(server, pair=None, interceptor=None, trust=authority):
            channel = secure_channel(server.address, trust, pair, interceptor)
            return stack.enter_context(Api(server.address, channel=channel))

        yield make


@pytest.fixture
def plain_client(start):
    """Makes clients in plaintext that send a header."""
    with contextlib.ExitStack() as stack:

        def make(address, interceptor=None):
            return stack.enter_context(Api(address, channel=plain_channel(address, interceptor)))

        yield make
