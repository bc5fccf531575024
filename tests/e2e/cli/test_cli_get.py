"""fuseboxctl get."""

import re

import pytest
from cli_driver import NOT_FOUND, fields


def test_get_shows_how_a_breaker_came_to_be_open(cli, name):
    cli.trip(name)
    shown = fields(cli.ok("get", name))
    assert shown["name"] == name
    assert shown["state"] == "OPEN"
    assert re.fullmatch(r"[0-9.]+s, until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["retry_after"])
    assert shown["health"] == "UNHEALTHY"
    assert shown["policy"] == "default"
    assert "5 failures" in shown["totals"]
    assert shown["last_transition"].startswith("CLOSED -> OPEN, CONSECUTIVE_FAILURES, at ")


def test_get_in_json_is_the_response(cli, name):
    cli.ok("record", name, "--outcome", "FAILURE", "--client", "test")
    breaker = cli.json("get", name)["breaker"]
    assert breaker["name"] == name
    assert breaker["state"] == "STATE_CLOSED"
    assert breaker["window"]["failures"] == "1"
    assert breaker["totals"]["refused"] == "0"  # Zeros are printed.


@pytest.mark.parametrize("verb", ["list", "health"])
def test_a_breaker_may_be_named_like_a_verb(cli, verb):
    cli.ok("allow", verb)
    assert fields(cli.ok("get", verb))["name"] == verb


def test_get_of_a_breaker_that_is_not_there_prints_the_servers_reason(cli, name):
    result = cli("get", name)
    assert result.returncode == NOT_FOUND
    assert result.stdout == ""
    assert name in result.stderr
    assert "\n  reason: BREAKER_NOT_FOUND\n" in result.stderr
