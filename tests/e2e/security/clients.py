"""Clients that say who they are: by a token, by a certificate, by neither."""

import collections
import hashlib

import grpc

OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


def sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()


class _Details(
    collections.namedtuple(
        "_Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready")
    ),
    grpc.ClientCallDetails,
):
    """A call with a further header."""


class WithHeader(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds a header to every call, also to those in plaintext."""

    def __init__(self, *headers):
        self._headers = list(headers)

    def _intercept(self, go_on, details, request):
        metadata = list(details.metadata or []) + self._headers
        fields = (details.method, details.timeout, metadata, details.credentials)
        return go_on(_Details(*fields, details.wait_for_ready), request)

    intercept_unary_unary = _intercept
    intercept_unary_stream = _intercept
    intercept_stream_stream = _intercept


def bearer(token):
    return WithHeader(("authorization", f"Bearer {token}"))


def secure_channel(address, trust, pair=None, interceptor=None, options=()):
    """A channel of TLS, by the name that every certificate here has.

    `trust` is whose servers it believes in, `pair` the certificate that it shows.
    """
    certificate, key = pair.read() if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(trust.certificate.read_bytes(), key, certificate)
    options = (*OPTIONS, ("grpc.ssl_target_name_override", "localhost"), *options)
    channel = grpc.secure_channel(address, credentials, options=options)
    return grpc.intercept_channel(channel, interceptor) if interceptor else channel


def plain_channel(address, interceptor=None):
    channel = grpc.insecure_channel(address, options=OPTIONS)
    return grpc.intercept_channel(channel, interceptor) if interceptor else channel
