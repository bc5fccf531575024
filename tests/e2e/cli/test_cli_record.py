"""fuseboxctl record."""

import base64

import pytest
from cli_driver import INVALID_ARGUMENT, USAGE, fields, run


def test_record_brings_a_permit_back_once(cli, name):
    permit = cli.json("allow", name)["permit"]
    arguments = ("record", name, "--permit", permit, "--outcome", "SUCCESS", "--latency", "30ms")
    first = fields(cli.ok(*arguments))
    assert (first["counted"], first["outcome"], first["state"]) == ("COUNTED", "SUCCESS", "CLOSED")
    assert fields(cli.ok(*arguments))["counted"] == "REPEATED"
    assert cli.json("get", name)["breaker"]["totals"]["successes"] == "1"


def test_record_says_how_to_be_counted_while_it_is_open(cli, name):
    cli.trip(name)
    told = fields(cli.ok("record", name, "--outcome", "SUCCESS"))
    assert told["counted"] == "NOT_COUNTED"
    assert "--permit" in told["hint"]


def test_record_in_json_is_the_response(cli, name):
    answer = cli.json("record", name, "--outcome", "failure", "--client", "test")
    assert answer["counted"] == "COUNTED_COUNTED"
    assert answer["outcome"] == "OUTCOME_FAILURE"
    assert answer["state"] == "STATE_CLOSED"


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (("--grpc-code", "0"), "SUCCESS"),
        (("--grpc-code", "14"), "FAILURE"),
        (("--grpc-code", "UNAVAILABLE"), "FAILURE"),
        (("--grpc-code", "deadline_exceeded"), "TIMEOUT"),
        (("--http-status", "200"), "SUCCESS"),
        (("--http-status", "503"), "FAILURE"),
        (("--http-status", "429", "--retry-after", "5s"), "RATE_LIMITED"),
        (("--outcome", "ignored"), "IGNORED"),
    ],
)
def test_record_takes_raw_codes_and_outcomes(cli, name, result, outcome):
    assert fields(cli.ok("record", name, *result))["outcome"] == outcome


def test_record_with_a_forged_permit_prints_the_servers_reason(cli, name):
    forged = base64.b64encode(b"not of this server").decode()
    result = cli("record", name, "--permit", forged, "--outcome", "SUCCESS")
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: PERMIT_INVALID\n" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Exactly 1 option from [--outcome,--grpc-code,--http-status] is required"),
        (("--outcome", "SUCCESS", "--http-status", "200"), "and 2 were given"),
        (("--outcome", "BROKEN"), "--outcome: BROKEN not in {SUCCESS,FAILURE,TIMEOUT,"),
        (("--grpc-code", "17"), '"17" is no gRPC status code; give 0 to 16 or a name'),
        (("--http-status", "42"), "--http-status: Value 42 not in range 100 to 599"),
        (("--outcome", "SUCCESS", "--latency", "5"), '"5" is no duration; write a number'),
        (("--outcome", "SUCCESS", "--latency", "-5s"), '"-5s" is no duration'),
        (("--outcome", "SUCCESS", "--retry-after", "inf"), '"inf" is no duration'),
        (("--outcome", "SUCCESS", "--permit", "!"), '"!" is no base64; give the permit as'),
    ],
)
def test_record_refuses_bad_flags_before_it_calls(arguments, complaint):
    result = run("record", "db/orders", *arguments)
    assert result.returncode == USAGE
    assert result.stdout == ""
    assert complaint in result.stderr
    assert "See `fuseboxctl record --help`." in result.stderr
