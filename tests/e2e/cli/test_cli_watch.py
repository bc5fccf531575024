"""fuseboxctl watch."""

import json
import re
import signal

from cli_driver import INVALID_ARGUMENT, UNAVAILABLE, Proxy, Running


def test_watch_prints_what_exists_and_then_each_change(cli, name):
    cli.ok("allow", f"{name}/a")
    with Running(cli.address, "watch", f"{name}/*", "-o", "json") as watch:
        assert json.loads(watch.line())["breaker"]["name"] == f"{name}/a"
        mark = json.loads(watch.line())
        assert mark["synced"] == {} and mark["resumeToken"]
        cli.trip(f"{name}/a")
        changed = json.loads(watch.line())["breaker"]
        assert changed["state"] == "STATE_OPEN"
        assert changed["lastTransition"]["cause"] == "CAUSE_CONSECUTIVE_FAILURES"


def test_watch_prints_a_line_for_people_per_change(cli, name):
    cli.ok("allow", f"{name}/a")
    with Running(cli.address, "watch", f"{name}/*", "--count", "2") as watch:
        assert watch.line() == f"CLOSED     {name}/a"
        assert watch.process.stderr.readline() == "Breakers so far: 1; changes follow.\n"
        cli.trip(f"{name}/a")
        stdout, stderr, code = watch.end()
    change = f"OPEN       {name}/a  CLOSED -> OPEN, CONSECUTIVE_FAILURES  for "
    assert re.fullmatch(re.escape(change) + r"[0-9.]+s\n", stdout)
    assert (stderr, code) == ("", 0)


def test_watch_until_synced_ends_by_itself(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    result = cli("watch", f"{name}/*", "--until-synced")
    assert result.returncode == 0
    lines = sorted(result.stdout.splitlines())
    assert lines == [f"CLOSED     {name}/a", f"CLOSED     {name}/b"]
    assert result.stderr == "Breakers so far: 2.\n"


def test_watch_follows_no_other_breakers(cli, name):
    cli.ok("allow", f"{name}/a")
    cli.ok("allow", f"{name}-other/a")
    assert cli.ok("watch", f"{name}/*", "--until-synced") == f"CLOSED     {name}/a\n"


def test_watch_says_that_and_why_it_ended(cli, name):
    cli.ok("allow", f"{name}/a")
    proxy = Proxy(cli.address)
    try:
        with Running(proxy.address, "watch", f"{name}/*") as watch:
            assert watch.line() == f"CLOSED     {name}/a"
            assert watch.process.stderr.readline().startswith("Breakers so far: 1")
            proxy.cut()
            _, stderr, code = watch.end()
    finally:
        if proxy.thread.is_alive():
            proxy.cut()
    assert code == UNAVAILABLE
    assert f"fuseboxctl: UNAVAILABLE from {proxy.address}: " in stderr
    assert "The watch has ended; changes from here on are not shown.\n" in stderr


def test_watch_says_that_the_server_is_about_to_stop(start):
    stopping = start()
    with Running(stopping.address, "watch") as watch:
        assert watch.process.stderr.readline().startswith("Breakers so far: 0")
        stopping.signal(signal.SIGTERM)
        _, stderr, code = watch.end()
    assert code == UNAVAILABLE
    assert f"fuseboxctl: UNAVAILABLE from {stopping.address}: " in stderr
    assert "\n  reason: DRAINING\n" in stderr
    assert "\n  retry after: " in stderr


def test_watch_dies_quietly_with_its_reader(cli, name):
    cli.ok("allow", f"{name}/a")
    with Running(cli.address, "watch", f"{name}/*") as watch:
        assert watch.line() == f"CLOSED     {name}/a"
        assert watch.process.stderr.readline().startswith("Breakers so far: 1")
        watch.process.stdout.close()
        cli.trip(f"{name}/a")
        assert watch.process.wait() == -signal.SIGPIPE
        assert watch.process.stderr.read() == ""


def test_watch_with_a_bad_glob_prints_the_servers_reason(cli):
    result = cli("watch", "a**b")
    assert result.returncode == INVALID_ARGUMENT
    assert result.stdout == ""
    assert "\n  reason: GLOB_INVALID\n" in result.stderr
    assert "has ended" not in result.stderr  # It never began.
