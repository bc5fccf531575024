"""fuseboxctl override, clear and overrides."""

import pytest
from cli_driver import DENIED, INVALID_ARGUMENT, NOT_FOUND, fields, rows


def test_forced_open_refuses_until_it_is_cleared(cli, name):
    cli.ok("override", name, "--mode", "forced-open", "--reason", "leak", "--actor", "ann")
    assert cli("allow", name).returncode == DENIED
    assert fields(cli.ok("get", name))["override"] == "FORCED_OPEN by ann: leak"
    result = cli("clear", name, "--reason", "fixed")
    assert (result.returncode, result.stderr) == (0, "This was taken back:\n")
    assert name in result.stdout
    assert cli("allow", name).returncode == 0


@pytest.mark.parametrize("mode", ["shadow", "FORCED_CLOSED", "Forced-Closed"])
def test_an_open_breaker_can_be_made_to_let_calls_pass(cli, name, mode):
    cli.trip(name)
    cli.ok("override", name, "--mode", mode, "--reason", "why")
    assert cli("allow", name).returncode == 0


def test_an_override_is_shown_as_it_is_in_force(cli, name):
    glob = f"{name}/**"
    table = cli.ok(
        "override", glob, "--mode", "shadow", "--reason", "a new policy", "--ttl", "1h",
        "--actor", "ann",
    )
    head, row = (line.split("  ") for line in table.splitlines())
    assert [word.strip() for word in head if word] == ["MATCH", "MODE", "LEFT", "BY", "REASON"]
    words = [word.strip() for word in row if word.strip()]
    assert words[:2] + words[3:] == [glob, "SHADOW", "ann", "a new policy"]
    assert words[2] in ("1h", "59m")
    listed = [line for line in cli.ok("overrides").splitlines() if line.startswith(glob)]
    assert len(listed) == 1
    assert cli.ok("overrides", "-o", "name").splitlines().count(glob) == 1
    cli.ok("allow", f"{name}/a")
    assert f"SHADOW on {glob} by ann: a new policy, " in cli.ok("get", f"{name}/a")


def test_a_dry_run_imposes_nothing(cli, name):
    result = cli("override", name, "--mode", "forced-open", "--reason", "why", "--dry-run")
    assert (result.returncode, result.stderr) == (0, "Nothing was done (dry run).\n")
    assert cli("allow", name).returncode == 0
    assert name not in cli.ok("overrides", "-o", "name").splitlines()


def test_who_asks_is_the_user_unless_said_otherwise(cli, name):
    cli.ok("override", name, "--mode", "shadow", "--reason", "why", USER="bob")
    assert "SHADOW by bob: why" in cli.ok("get", name)
    cli.ok("override", name, "--mode", "shadow", "--reason", "why", USER="bob", FUSEBOX_ACTOR="ann")
    assert "SHADOW by ann: why" in cli.ok("get", name)


def test_what_the_server_refuses_is_said_with_its_reason(cli, name):
    result = cli("override", name, "--mode", "shadow", "--reason", "why", "--ttl", "1ms")
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: TTL_INVALID\n" in result.stderr
    result = cli("override", name, "--mode", "shadow", "--reason", "")
    assert "\n  reason: REASON_INVALID\n" in result.stderr
    result = cli("clear", name, "--reason", "why")
    assert result.returncode == NOT_FOUND
    assert "\n  reason: OVERRIDE_NOT_FOUND\n" in result.stderr


def test_no_overrides_is_said_and_not_printed(start, cli_of):
    cli = cli_of(start())
    result = cli("overrides")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "Nothing is imposed on any breaker.\n"
    assert cli.json("overrides")["overrides"] == []


def test_a_list_of_overrides_says_since_when_if_it_is_wide(cli, name):
    cli.ok("override", name, "--mode", "shadow", "--reason", "why")
    head, *_ = rows(cli.ok("overrides", "-o", "wide"))
    assert head == ["MATCH", "MODE", "LEFT", "BY", "REASON", "SINCE"]
    row = next(line for line in cli.ok("overrides").splitlines() if line.startswith(name))
    assert "until cleared" in row
