"""fuseboxctl wait."""

import pytest
from cli_driver import DEADLINE_EXCEEDED, USAGE, Running, fields, run


@pytest.mark.parametrize("state", ["closed", "CLOSED"])
def test_wait_ends_at_once_when_it_is_so(cli, name, state):
    cli.ok("allow", name)
    assert fields(cli.ok("wait", name, "--for", state))["state"] == "CLOSED"


def test_wait_ends_when_the_breaker_gets_there(cli, name):
    cli.ok("allow", name)
    with Running(cli.address, "wait", name, "--for", "open", "-o", "name") as wait:
        cli.trip(name)
        assert wait.end() == (f"{name}\n", "", 0)


def test_wait_takes_dashes_for_underscores(start, cli_of, name):
    cli = cli_of(start(config="policies: [{name: default, circuit_breaker: {open_duration: 1s}}]"))
    cli.trip(name)
    assert cli.json("wait", name, "--for", "half-open")["state"] == "STATE_HALF_OPEN"


def test_wait_says_how_it_stands_when_time_is_over(cli, name):
    cli.ok("allow", name)
    result = cli("wait", name, "--for", "open", "--timeout", "300ms")
    assert (result.returncode, result.stdout) == (DEADLINE_EXCEEDED, "")
    assert result.stderr == (
        f"fuseboxctl: {name} is CLOSED after 300ms; wait longer with --timeout.\n"
    )
    result = cli("wait", f"{name}/none", "--for", "open", FUSEBOX_WAIT_TIMEOUT="300ms")
    assert f"{name}/none does not exist after 300ms" in result.stderr


def test_wait_is_for_one_breaker():
    result = run("wait", "db/*", "--for", "open")
    assert result.returncode == USAGE
    assert '"db/*" is a glob; `wait` waits for one breaker.' in result.stderr
