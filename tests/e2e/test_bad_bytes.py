"""Bytes that are no request: the sender gets an error or loses its connection, and that is all."""

import contextlib
import random
import socket

import grpc
import pytest
from api import FAILURE, SUCCESS, Error
from fusebox.v1 import admin_pb2
from timing import PATIENCE_S

METHODS = [
    "BreakerService/Allow",
    "BreakerService/Record",
    "BreakerService/BatchRecord",
    "AdminService/GetBreaker",
    "AdminService/ListBreakers",
    "AdminService/WatchBreakers",
]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SEED = 7400
NOISE = random.Random(SEED).randbytes(4096)

DATA, HEADERS, SETTINGS = 0, 1, 4
END_HEADERS = 4


def frame(length, kind, stream, payload=b"", flags=0):
    """An HTTP/2 frame; `length` is what it says of itself."""
    return length.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


HELLO = PREFACE + frame(0, SETTINGS, 0)
GARBAGE = {
    "zeros": b"\0" * 4096,
    f"noise of seed {SEED}": NOISE,
    "HTTP/1 request": b"GET /healthz HTTP/1.1\r\nHost: fusebox\r\n\r\n",
    "HTTP/1 post": b"POST /fusebox.v1.BreakerService/Allow HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    "TLS hello": bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]) + NOISE[:501],
    "preface, then noise": PREFACE + NOISE,
    "a frame that is too long": HELLO + frame(2**24 - 1, DATA, 1),
    "headers that are not HPACK": HELLO + frame(4, HEADERS, 1, b"\xff" * 4, END_HEADERS),
}


@pytest.fixture(autouse=True)
def nothing_is_counted_and_the_server_goes_on(api, name):
    """Around each test here: the breakers are the same before and after, and calls still work."""
    api.call(name, SUCCESS)
    before = breakers(api)
    yield
    assert breakers(api) == before
    api.call(name, FAILURE)
    assert api.get(name).totals.failures == 1


def breakers(api):
    """What every breaker of the server has counted."""
    counted, token = {}, ""
    while True:
        request = admin_pb2.ListBreakersRequest(page_token=token)
        page = api.admin.ListBreakers(request, timeout=PATIENCE_S)
        counted |= {b.name: (b.epoch, b.totals.SerializeToString()) for b in page.breakers}
        if not (token := page.next_page_token):
            return counted


def raw_call(api, method, message, **options):
    """Sends bytes as the request of a method, and returns the Error that must come of it."""
    call = api.channel.unary_stream(f"/fusebox.v1.{method}")
    with pytest.raises(grpc.RpcError) as failure:
        list(call(message, timeout=PATIENCE_S, **options))
    return Error(failure.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "message",
    [b"\xff", b"\x0a\x7fshort", b"\x0a\x02\xff\xfe\x12\x02\xff\xfe", NOISE],
    ids=["no tag", "cut off", "not UTF-8", "noise"],
)
def test_a_message_that_cannot_be_decoded_is_an_error(api, method, message):
    error = raw_call(api, method, message)
    assert error.code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED)


@pytest.mark.parametrize("method", ["BreakerService/NoSuch", "NoSuchService/Allow"])
def test_a_method_that_does_not_exist_is_unimplemented(api, method):
    assert raw_call(api, method, b"").code == grpc.StatusCode.UNIMPLEMENTED


def test_more_metadata_than_8_kib_is_refused(connect):
    api = connect()  # gRPC may close the connection, too.
    metadata = [("x-large", "x" * 20_000)]
    error = raw_call(api, "BreakerService/Allow", b"", metadata=metadata)
    assert error.code == grpc.StatusCode.RESOURCE_EXHAUSTED


def read_to_the_end(connection):
    """Reads until the other side closes the connection, and returns what it sent."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_connection_that_carries_garbage_is_closed(server, garbage):
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(garbage)
        received = read_to_the_end(connection)
    assert b"200 OK" not in received


def test_connections_that_end_in_the_middle_of_a_request_leave_nothing_behind(server):
    host, port = server.address.rsplit(":", 1)
    for length in range(0, len(HELLO), 3):
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
            connection.sendall(HELLO[:length])


def test_calls_that_are_given_up_leave_nothing_behind(api):
    calls = [api.admin.WatchBreakers(admin_pb2.WatchBreakersRequest()) for _ in range(50)]
    for call in calls:
        call.cancel()
    with api.watch() as watch:
        assert watch.snapshot
