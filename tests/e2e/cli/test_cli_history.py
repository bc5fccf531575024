"""fuseboxctl history."""

import re

from cli_driver import INVALID_ARGUMENT, rows


def test_history_tells_what_happened_the_newest_first(cli, name):
    cli.trip(name)
    cli.ok("override", name, "--mode", "forced-closed", "--reason", "we know", "--actor", "ann")
    cli.ok("clear", name, "--reason", "done", "--actor", "bob")
    cli.ok("reset", name, "--reason", "again", "--actor", "ann")
    head, *lines = cli.ok("history", name).splitlines()
    assert head.split() == ["TIME", "BREAKER", "CHANGE", "CAUSE", "WHY"]
    told = [re.split(r"  +", line)[1:] for line in lines]
    assert told == [
        [name, "OPEN -> CLOSED", "RESET", "ann reset it: again"],
        [name, "FORCED_CLOSED ended", "OVERRIDE_CLEARED", "bob took the override back: done"],
        [name, "FORCED_CLOSED", "OVERRIDDEN", "ann overrode it: we know"],
        [name, "CLOSED -> OPEN", "CONSECUTIVE_FAILURES", "5 calls failed in a row"],
    ]
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  ", line)


def test_history_filters_by_cause(cli, name):
    cli.trip(name)
    cli.ok("reset", name, "--reason", "why")
    _, *body = rows(cli.ok("history", name, "--cause", "reset,probe-failed"))
    assert len(body) == 1
    assert "RESET" in body[0]


def test_history_filters_by_time(cli, name):
    cli.trip(name)
    assert name in cli.ok("history", name, "--since", "10m")
    assert cli.ok("history", name, "--until", "10m") == ""
    assert cli.ok("history", name, "--since", "2100-01-01T00:00:00Z") == ""
    assert name in cli.ok("history", name, "--until", "2100-01-01T00:00:00+01:00")


def test_history_says_when_there_is_more(cli, name):
    for _ in range(3):
        cli.trip(name)
        cli.ok("reset", name, "--reason", "why")
    result = cli("history", name, "--limit", "2")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "The newest 2; there is more: --limit.\n"
    for limit in ("6", "0"):
        result = cli("history", name, "--limit", limit)
        assert (len(result.stdout.splitlines()), result.stderr) == (7, "")


def test_history_in_json_is_one_document(cli, name):
    cli.trip(name)
    listed = cli.json("history", name)
    assert [one["cause"] for one in listed["transitions"]] == ["CAUSE_CONSECUTIVE_FAILURES"]
    assert cli.ok("history", name, "-o", "name") == f"{name}\n"
    head, _ = rows(cli.ok("history", name, "-o", "wide"))
    assert head[-4:] == ["NUMBER", "EPOCH", "POLICY", "CLIENTS"]


def test_a_history_of_nothing_says_so(cli, name):
    result = cli("history", name)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "Nothing happened, as far back as is kept.\n"


def test_history_with_a_bad_glob_prints_the_servers_reason(cli):
    result = cli("history", "a**b")
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: GLOB_INVALID\n" in result.stderr
