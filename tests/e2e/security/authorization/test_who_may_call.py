"""Every method against every way of not being allowed to call it, and against being allowed to."""

import grpc
import pytest
from api import Error
from clients import bearer, secure_channel
from everybody import (
    DENIED,
    HERE,
    METHODS,
    ROLES,
    UNAUTHENTICATED,
    assert_let_through,
    each_method,
    refusal,
    token_of,
    uri_of,
)
from methods import ALL, NAME, OPERATOR, ROWS, call, row_of, services

PROVEN = {"CREDENTIALS_MISSING", "TOKEN_UNKNOWN", "TOKEN_INVALID", "CERTIFICATE_UNKNOWN"}


def test_every_method_has_a_row():
    described = {name: {m.name for m in s.methods} for name, s in services().items()}
    assert {name: set(rows) for name, rows in ROWS.items()} == described


@each_method
def test_who_shows_nothing_is_told_so(method, with_header):
    assert refusal(with_header(), method) == (UNAUTHENTICATED, "CREDENTIALS_MISSING")


@each_method
@pytest.mark.parametrize("token", ["wrong", "", token_of("operator-all") + "x"])
def test_a_wrong_token_is_nobody_s(token, method, with_header):
    code, reason = refusal(with_header("authorization", f"Bearer {token}"), method)
    assert code == UNAUTHENTICATED
    assert reason == ("TOKEN_UNKNOWN" if token else "TOKEN_INVALID")


@each_method
@pytest.mark.parametrize("header", ["Basic b3BlcmF0b3I6", token_of("operator-all"), ""])
def test_another_scheme_is_no_token(header, method, with_header):
    got = refusal(with_header("authorization", header), method)
    assert got == (UNAUTHENTICATED, "TOKEN_INVALID")


@each_method
@pytest.mark.parametrize("shows", ["nothing", "an expired one", "a stranger's"])
def test_without_a_certificate_of_ours_nobody_connects(
    shows, method, channels, mutual, authority, stranger
):
    def connect():
        uri = f"URI:{uri_of('operator-all')}"
        pair = {
            "nothing": lambda: None,
            "an expired one": lambda: authority.issue("expired", uri, days=-1),
            "a stranger's": lambda: stranger.issue("foreign", uri),
        }[shows]()
        return secure_channel(mutual.address, authority, pair)

    answer = call(channels.get(shows, connect), method, HERE)
    assert answer.code() == grpc.StatusCode.UNAVAILABLE


@each_method
def test_a_certificate_of_ours_that_nobody_is_known_by_is_not_enough(method, as_certificate):
    got = refusal(as_certificate("somebody-else"), method)
    assert got == (UNAUTHENTICATED, "CERTIFICATE_UNKNOWN")


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_another_role_is_not_enough(show, method, request):
    for role in ROLES:
        if role in (row_of(method).role, OPERATOR):
            continue
        channel = request.getfixturevalue(show)(f"{role.lower()}-all")
        assert refusal(channel, method) == (DENIED, "PERMISSION_DENIED")


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_the_role_over_other_names_is_not_enough(show, method, request):
    row = row_of(method)
    channel = request.getfixturevalue(show)(f"{row.role.lower()}-others")
    if row.about in (NAME, ALL):
        assert refusal(channel, method) == (DENIED, "PERMISSION_DENIED")
        return
    answer = call(channel, method, HERE)
    assert_let_through(answer)
    if method.name == "BatchRecord":
        (result,) = answer.results
        assert result.error.code == DENIED.value[0] and "ours/here" in result.error.message
    elif method.name == "Session":
        (refused,) = answer.refused
        assert refused.error.code == DENIED.value[0] and "ours/here" in refused.error.message
    elif method.name == "GetHealth":  # As of a prefix with nothing under it, which it names.
        assert Error(answer).reason == "BREAKER_NOT_FOUND"
    else:
        assert "ours" not in str(answer), answer


@each_method
@pytest.mark.parametrize("show", ["as_token", "as_certificate"])
def test_the_role_is_enough_and_so_is_an_operator_s(show, method, request):
    row = row_of(method)
    scopes = ("all",) if row.about == ALL else ("all", "ours")
    for role in {row.role, OPERATOR}:
        for scope in scopes:
            channel = request.getfixturevalue(show)(f"{role.lower()}-{scope}")
            assert_let_through(call(channel, method, HERE))


def test_the_error_names_who_what_and_how_to_mend_it(as_token):
    error = Error(call(as_token("caller-others"), METHODS["Allow"], HERE))
    assert error.message == (
        'Allow: "caller-others" is no CALLER of "ours/here"; grant it role CALLER for that in the '
        "server's file of identities"
    )


# A proxy's certificate may carry the tokens of many.
def test_a_token_goes_before_a_certificate(mutual, authority, channels):
    pair = authority.issue("proxy", f"URI:{uri_of('operator-all')}")
    channel = secure_channel(mutual.address, authority, pair, bearer(token_of("caller-others")))
    assert refusal(channel, METHODS["Allow"]) == (DENIED, "PERMISSION_DENIED")
    channel.close()


def test_errors_about_who_calls_are_counted_by_reason(server, with_header):
    call(with_header(), METHODS["Allow"], HERE)
    _, text = server.get("/metrics")
    counted = {
        line.split('"')[1]: float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith("fusebox_errors_total{")
    }
    assert counted["CREDENTIALS_MISSING"] > 0
    assert counted["other"] == 0
    assert PROVEN <= set(counted)
