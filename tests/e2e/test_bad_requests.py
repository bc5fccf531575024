"""A request that is wrong is answered with what is wrong; it counts nothing and harms nobody."""

import uuid

import grpc
import pytest
from api import FAILURE, SUCCESS, Error, error_of
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from timing import PATIENCE_S

BAD_NAMES = ["", "/a", "a//b", "a/", "a b", "a\tb", "ü", "a*", "x" * 257]
BAD_RESULTS = [
    ({}, "RESULT_MISSING", "result"),
    ({"outcome": 0}, "RESULT_INVALID", "outcome"),
    ({"outcome": 7}, "RESULT_INVALID", "outcome"),
    ({"grpc_code": -1}, "RESULT_INVALID", "grpc_code"),
    ({"grpc_code": 17}, "RESULT_INVALID", "grpc_code"),
    ({"http_status": 99}, "RESULT_INVALID", "http_status"),
    ({"http_status": 600}, "RESULT_INVALID", "http_status"),
    ({"outcome": FAILURE, "latency": Duration(seconds=-1)}, "LATENCY_INVALID", "latency"),
    ({"outcome": FAILURE, "latency": Duration(seconds=86401)}, "LATENCY_INVALID", "latency"),
    ({"outcome": FAILURE, "latency": Duration(seconds=2**63 - 1)}, "LATENCY_INVALID", "latency"),
    (
        {"outcome": FAILURE, "retry_after": Duration(seconds=-1)},
        "RETRY_AFTER_INVALID",
        "retry_after",
    ),
]


@pytest.fixture(autouse=True)
def nothing_is_counted_and_the_server_goes_on(api):
    """Around each test here: a breaker that exists before and after, with what it had counted."""
    name = f"witness/{uuid.uuid4().hex}"
    api.call(name, SUCCESS)
    before = api.get(name)
    yield name
    after = api.get(name)
    assert (after.totals, after.window, after.epoch) == (before.totals, before.window, before.epoch)
    api.call(name, SUCCESS)
    assert api.get(name).totals.successes == before.totals.successes + 1


@pytest.fixture
def witness(nothing_is_counted_and_the_server_goes_on):
    """A breaker whose counts must stay as they are."""
    return nothing_is_counted_and_the_server_goes_on


def expect(error, reason, field):
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert (error.reason, error.domain) == (reason, "fusebox")
    assert error.fields == [field]
    assert error.retry_s is None  # Sent again, it were as wrong.


@pytest.mark.parametrize("bad", BAD_NAMES, ids=ascii)
def test_a_bad_name_is_refused_by_all_who_take_one(api, bad):
    for call in (lambda: api.allow(bad), lambda: api.record(bad, outcome=FAILURE)):
        expect(error_of(call), "BREAKER_NAME_INVALID", "breaker")
    expect(error_of(lambda: api.get(bad)), "BREAKER_NAME_INVALID", "name")
    (result,) = api.batch({"breaker": bad, "outcome": FAILURE})
    assert result.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert not result.HasField("response")


@pytest.mark.parametrize("client", ["x" * 257, "a\nb", "\0"], ids=["long", "newline", "nul"])
def test_a_bad_client_is_refused_by_all_who_take_one(connect, witness, client):
    api = connect(client=client)
    item = {"breaker": witness, "outcome": FAILURE}
    for call in (
        lambda: api.allow(witness),
        lambda: api.record(witness, outcome=FAILURE),
        lambda: api.batch(item),
    ):
        expect(error_of(call), "CLIENT_NAME_INVALID", "client")


@pytest.mark.parametrize(("fields", "reason", "field"), BAD_RESULTS, ids=str)
def test_a_bad_result_is_refused(api, witness, fields, reason, field):
    error = error_of(lambda: api.record(witness, **fields))
    expect(error, reason, field)
    (result,) = api.batch({"breaker": witness, **fields})
    assert result.error.message == error.message


def test_a_permit_that_was_not_granted_for_the_breaker_is_refused(api, witness, name):
    others = api.allow(name).permit
    for permit in (others, others[:-1], others + b"x", b"x", b"\0" * len(others)):
        error = error_of(lambda permit=permit: api.record(witness, permit, FAILURE))
        expect(error, "PERMIT_INVALID", "permit")


def what_comes_of(api, name, permit):
    try:
        return api.record(name, permit, FAILURE).counted
    except grpc.RpcError as error:
        return Error(error).reason


# One whose epoch became older may be of an earlier life of the server: it is late, and no error.
def test_a_permit_that_was_tampered_with_has_no_vote(api, name):
    good = api.allow(name).permit
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert what_comes_of(api, name, bytes(bad)) in ("PERMIT_INVALID", pb.COUNTED_LATE), bit
    assert api.get(name).totals.failures == 0
    assert what_comes_of(api, name, good) == pb.COUNTED_COUNTED


def test_a_bad_item_fails_alone(api, name):
    good = {"breaker": name, "outcome": SUCCESS}
    bad = {"breaker": name, "outcome": SUCCESS, "permit": b"forged"}
    both = {"breaker": name, "outcome": SUCCESS, "permit": b"x", "count": 2}
    many = {"breaker": name, "outcome": SUCCESS, "count": 1_000_001}
    results = api.batch(good, bad, good, both, many, good)
    failed = [result.HasField("error") for result in results]
    assert failed == [False, True, False, True, True, False]
    assert api.get(name).totals.successes == 3


@pytest.mark.parametrize(
    ("batch_id", "reason"),
    [(b"", "BATCH_ID_MISSING"), (b"short", "BATCH_ID_INVALID"), (b"x" * 65, "BATCH_ID_INVALID")],
)
def test_a_batch_with_counts_needs_an_id(api, witness, batch_id, reason):
    item = {"breaker": witness, "outcome": FAILURE, "count": 9}
    expect(error_of(lambda: api.batch(item, batch_id=batch_id)), reason, "batch_id")


@pytest.mark.parametrize(
    ("request_fields", "reason", "field"),
    [
        ({"match": "a/**b"}, "GLOB_INVALID", "match"),
        ({"page_size": -1}, "PAGE_SIZE_INVALID", "page_size"),
        ({"page_size": 1001}, "PAGE_SIZE_INVALID", "page_size"),
        ({"page_token": "forged"}, "PAGE_TOKEN_INVALID", "page_token"),
    ],
    ids=str,
)
def test_a_listing_that_makes_no_sense_is_refused(api, request_fields, reason, field):
    request = admin_pb2.ListBreakersRequest(**request_fields)
    error = error_of(lambda: api.admin.ListBreakers(request, timeout=PATIENCE_S))
    expect(error, reason, field)


def test_a_watch_that_makes_no_sense_is_refused(api):
    expect(error_of(lambda: api.watch("a/**b")), "GLOB_INVALID", "match")


def test_to_ask_about_a_breaker_does_not_make_it(api, name):
    error = error_of(lambda: api.get(name))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "BREAKER_NOT_FOUND")
    assert name in error.message
    assert error_of(lambda: api.get(name)).reason == "BREAKER_NOT_FOUND"


# Attempt numbers, epochs and fields of tomorrow's clients are no reason to fail.
def test_what_is_odd_but_not_wrong_is_taken(api, name):
    api.batch({"breaker": name, "outcome": SUCCESS, "count": 1_000_000})
    assert api.allow(name, attempt=2**32 - 1).decision == pb.DECISION_ALLOWED
    (result,) = api.batch({"breaker": name, "outcome": FAILURE, "count": 9, "epoch": 2**64 - 1})
    assert result.response.counted == pb.COUNTED_LATE
    unknown_field = b"\xfa\x3f\x05hello"
    message = pb.AllowRequest(breaker=name).SerializeToString() + unknown_field
    request = pb.AllowRequest.FromString(message)
    assert request.SerializeToString() == message
    assert api.breakers.Allow(request, timeout=PATIENCE_S).decision == pb.DECISION_ALLOWED
