"""fuseboxctl reset and delete."""

import pytest
from cli_driver import FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, fields


def test_reset_closes_a_breaker_and_shows_it(cli, name):
    cli.trip(name)
    shown = fields(cli.ok("reset", name, "--reason", "the database is back", "--actor", "ann"))
    assert (shown["name"], shown["state"]) == (name, "CLOSED")
    assert cli("allow", name).returncode == 0
    assert "ann reset it: the database is back" in cli.ok("history", name)


def test_delete_forgets_a_breaker(cli, name):
    cli.ok("allow", name)
    result = cli("delete", name, "--reason", "a typo")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"{name} deleted; its next call makes it anew.\n"
    assert cli("get", name).returncode == NOT_FOUND


def test_what_an_override_holds_is_not_deleted(cli, name):
    cli.ok("allow", name)
    cli.ok("override", name, "--mode", "shadow", "--reason", "why")
    result = cli("delete", name, "--reason", "a typo")
    assert result.returncode == FAILED_PRECONDITION
    assert "\n  reason: BREAKER_OVERRIDDEN\n" in result.stderr


@pytest.mark.parametrize("verb", ["reset", "delete"])
def test_what_is_not_there_prints_the_servers_reason(cli, name, verb):
    result = cli(verb, name, "--reason", "why")
    assert (result.returncode, result.stdout) == (NOT_FOUND, "")
    assert "\n  reason: BREAKER_NOT_FOUND\n" in result.stderr


@pytest.mark.parametrize("verb", ["reset", "delete"])
def test_an_empty_reason_is_the_servers_to_refuse(cli, name, verb):
    cli.ok("allow", name)
    result = cli(verb, name, "--reason", "")
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: REASON_INVALID\n" in result.stderr
