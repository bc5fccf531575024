"""Sessions: a client decides by what it is told, and what it reports counts once."""

import os
import signal

import grpc
import pytest
from api import FAILURE, error_of, seconds
from fusebox.v1 import breaker_pb2 as pb
from fusebox.v1 import breaker_service_pb2
from session_client import Session
from timing import eventually


def test_a_trip_reaches_every_session_that_follows_the_breaker(api, connect, name):
    clients = [Session(connect(), client=f"web-{number}") for number in range(5)]
    for client in clients:
        client.subscribe(1, name)
        closed = client.until_state(1, pb.STATE_CLOSED)
        assert client.policies[1].circuit_breaker.consecutive_failures == 5
        assert 0 < closed.local_share <= 1
    clients[0].report(clients[0].tally(1, failures=3, trailing_failures=3))
    clients[1].report(clients[1].tally(1, failures=2, trailing_failures=2))
    for client in clients:
        opened = client.until_state(1, pb.STATE_OPEN)
        assert 25 < seconds(opened.retry_after) <= 30
        client.cut()
    assert api.get(name).totals.failures == 5


def test_no_client_trips_alone_what_the_fleet_sees_together(api, connect, name):
    """200 calls of each of 10 clients fail by 6 % or not at all: the fleet's rate is what counts."""
    clients = [Session(connect(), client=f"web-{number}") for number in range(10)]
    for client in clients:
        client.subscribe(1, name)
        client.until_state(1, pb.STATE_CLOSED)
        sequence = client.report(client.tally(1, successes=194, failures=6))
        client.until_acknowledged(sequence)
    breaker = api.get(name)
    assert breaker.state == pb.STATE_CLOSED
    assert (breaker.window.calls, breaker.window.failures) == (2000, 60)
    for client in clients:
        client.cut()


def test_what_is_sent_again_counts_once(api, connect, name):
    with Session(connect()) as first:
        first.subscribe(1, name)
        first.until_state(1, pb.STATE_CLOSED)
        kept = first.tally(1, successes=10)
        first.until_acknowledged(first.report(kept))
        first.report(kept)
        eventually(lambda: api.get(name).totals.calls == 20, "the second report")
        # Its acknowledgement is not heard.
    with Session(connect(), first.id, first.welcome.server_life) as second:
        assert second.welcome.resumed
        assert second.welcome.applied_sequence == 2
        second.subscribe(1, name)
        second.report(kept, sequence=2)
        second.until_acknowledged(second.report(kept, sequence=3))
    assert api.get(name).totals.calls == 30


def test_a_stream_that_is_replaced_ends(connect):
    first = Session(connect())
    with Session(connect(), first.id, first.welcome.server_life) as second:
        assert second.welcome.resumed
        error = first.end()
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "SESSION_REPLACED")


def test_permits_are_granted_ahead_of_calls(api, connect, name):
    with Session(connect()) as client:
        client.subscribe(1, name)
        closed = client.until_state(1, pb.STATE_CLOSED)
        api.batch({"breaker": name, "outcome": FAILURE, "count": 5})
        opened = client.until_state(1, pb.STATE_OPEN)
        assert opened.epoch > closed.epoch
        client.say(permits=[{"handle": 1, "count": 2}])
        client.hear(lambda: client.permits)
        assert not client.permits[0].permits
        assert client.permits[0].reason == pb.REASON_OPEN
        assert seconds(client.permits[0].retry_after) > 25


def test_another_life_takes_a_window_and_nothing_that_was_sent(start, connect, name):
    before = Session(connect(start("--store=MEMORY")))
    after_address = start("--store=MEMORY")
    api = connect(after_address)
    with Session(connect(after_address), before.id, before.welcome.server_life) as after:
        assert not after.welcome.resumed
        assert after.welcome.server_life != before.welcome.server_life
        assert after.welcome.applied_sequence == 0
        after.subscribe(1, name)
        after.until_state(1, pb.STATE_CLOSED)
        window = {"handle": 1, "epoch": 7, "successes": 90, "failures": 4}
        after.until_acknowledged(after.report(window, window=True))
        assert api.get(name).window.calls == 94
        assert api.get(name).state == pb.STATE_CLOSED
    before.cut()


def test_a_breaker_that_is_forgotten_is_told_and_may_be_subscribed_again(start, connect):
    with Session(connect(start("--idle-ttl=1s"))) as client:
        client.subscribe(1, "short/lived")
        epoch = client.until_state(1, pb.STATE_CLOSED).epoch
        client.hear(lambda: client.forgotten)
        assert client.forgotten == [1]
        client.subscribe(2, "short/lived")
        assert client.until_state(2, pb.STATE_CLOSED).epoch > epoch


@pytest.mark.parametrize(
    ("hello", "reason", "named"),
    [
        ({"session_id": b"short"}, "SESSION_ID_INVALID", "5 bytes"),
        ({"session_id": os.urandom(16), "library": "x" * 65}, "LIBRARY_INVALID", "65 bytes"),
        ({"session_id": os.urandom(16), "client": "x" * 257}, "CLIENT_NAME_INVALID", "257"),
    ],
)
def test_a_bad_hello_is_named(api, hello, reason, named):
    error = error_of(lambda: Session(api, **hello))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert named in error.message


def test_a_stream_has_to_begin_with_hello(api):
    request = breaker_service_pb2.SessionRequest(subscribe=[{"handle": 1, "breaker": "db/orders"}])
    error = error_of(lambda: list(api.breakers.Session(iter([request]))))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "HELLO_MISSING")


def test_one_session_too_many_is_refused_and_makes_room_when_it_ends(start, connect):
    address = start("--max-sessions=1")
    first = Session(connect(address))
    error = error_of(lambda: Session(connect(address)))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_SESSIONS")
    assert "--max-sessions" in error.message
    first.cut()

    def second():
        try:
            return Session(connect(address))
        except grpc.RpcError:
            return None  # The first has not been missed yet.

    eventually(second, "a place").cut()


def test_a_server_that_stops_sends_its_clients_away(start, connect):
    server = start("--lame-duck=1s")
    with Session(connect(server)) as client:
        server.signal(signal.SIGTERM)
        client.hear(lambda: client.go_away is not None)
        assert seconds(client.go_away.within) == 1
        error = client.end()
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
