"""fuseboxctl allow."""

import base64
import json
import re
import time

from cli_driver import DENIED, INVALID_ARGUMENT, fields


def test_allow_prints_the_decision_the_state_and_a_permit(cli, name):
    answer = fields(cli.ok("allow", name))
    assert answer["decision"] == "ALLOWED"
    assert answer["breaker"] == name
    assert answer["state"] == "CLOSED"
    assert base64.b64decode(answer["permit"], validate=True)


def test_allow_in_json_is_the_response(cli, name):
    answer = cli.json("allow", name, "--client", "test")
    assert answer["decision"] == "DECISION_ALLOWED"
    assert answer["breaker"] == name
    assert answer["probe"] is False  # Zeros are printed.
    assert base64.b64decode(answer["permit"], validate=True)


def test_a_denied_allow_exits_1_and_says_why_and_for_how_long(cli, name):
    cli.trip(name)
    result = cli("allow", name)
    assert result.returncode == DENIED
    assert result.stderr == ""
    answer = fields(result.stdout)
    assert answer["decision"] == "DENIED"
    assert answer["reason"] == "OPEN"
    assert answer["state"] == "OPEN"
    assert re.fullmatch(r"[0-9.]+s", answer["retry_after"])
    assert "permit" not in answer


def test_a_denied_allow_exits_1_in_json_too(cli, name):
    cli.trip(name)
    result = cli("allow", name, "-o", "json")
    assert result.returncode == DENIED
    answer = json.loads(result.stdout)
    assert answer["reason"] == "REASON_OPEN"
    assert 0 < float(answer["retryAfter"].removesuffix("s")) <= 30


def test_a_retry_is_allowed_from_the_reserve(cli, name):
    assert fields(cli.ok("allow", name, "--attempt", "2"))["decision"] == "ALLOWED"
    budget = cli.json("get", name)["breaker"]["retryBudget"]
    assert budget["spent"] == "1"


def test_allow_waits_for_as_long_as_it_is_told_whatever_the_timeout(cli, word):
    one_at_a_time = (
        f"{{name: {word}, match: [{word}], queue: {{max_wait: 5s}},"
        " bulkhead: {max_concurrent: 1, lease_timeout: 2s}}"
    )
    cli.ok("apply", "-f", "-", stdin=f"policies: [{one_at_a_time}]")
    cli.ok("allow", word)
    begun = time.monotonic()
    waited = fields(cli.ok("allow", word, "--timeout", "300ms", "--max-wait", "4s"))
    assert waited["decision"] == "ALLOWED"
    assert time.monotonic() - begun > 0.3


def test_allow_with_a_bad_name_prints_the_servers_reason(cli):
    result = cli("allow", "a b")
    assert result.returncode == INVALID_ARGUMENT
    assert result.stdout == ""
    assert f"INVALID_ARGUMENT from {cli.address}: " in result.stderr
    assert "\n  reason: BREAKER_NAME_INVALID\n" in result.stderr
    assert "\n  field: breaker\n" in result.stderr
