"""fuseboxctl list."""

import re

from api import SUCCESS
from cli_driver import INVALID_ARGUMENT, USAGE, rows, run


def test_list_puts_the_worst_first(cli, name):
    for leaf in ("a", "b", "c"):
        cli.ok("allow", f"{name}/{leaf}")
    cli.trip(f"{name}/b")
    cli("allow", f"{name}/b")
    head, *body = rows(cli.ok("list", f"{name}/*"))
    assert head == "NAME STATE NEXT-PROBE FAILURE-RATE CALLS REFUSED POLICY OVERRIDE HEALTH".split()
    assert [row[0] for row in body] == [f"{name}/{leaf}" for leaf in ("b", "a", "c")]
    worst, good, _ = (dict(zip(head, row)) for row in body)
    assert (worst["STATE"], worst["REFUSED"], worst["HEALTH"]) == ("OPEN", "1", "UNHEALTHY")
    assert re.fullmatch(r"[0-9.]+s", worst["NEXT-PROBE"])
    assert (good["STATE"], good["NEXT-PROBE"], good["POLICY"]) == ("CLOSED", "-", "default")


def test_list_sorts_the_closed_by_score(cli, name):
    for leaf, outcome in (("a", "SUCCESS"), ("b", "FAILURE")):
        cli.ok("record", f"{name}/{leaf}", "--outcome", outcome)
    _, *body = rows(cli.ok("list", f"{name}/*"))
    assert [(row[0], row[3]) for row in body] == [(f"{name}/b", "100.0%"), (f"{name}/a", "0.0%")]


def test_list_in_json_is_one_document(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    listed = cli.json("list", f"{name}/**")
    assert [breaker["name"] for breaker in listed["breakers"]] == [f"{name}/a", f"{name}/b"]
    assert listed["nextPageToken"] == ""


# More than the server gives at once, and the one in trouble is on no particular page.
def test_list_reads_all_pages(cli, api, name):
    names = [f"{name}/{i:04}" for i in range(1100)]
    api.batch(*({"breaker": breaker, "outcome": SUCCESS} for breaker in names))
    cli.trip(names[777])
    expected = [names[777], *names[:777], *names[778:]]
    listed = cli.json("list", f"{name}/*")
    assert [breaker["name"] for breaker in listed["breakers"]] == expected
    result = cli("list", f"{name}/*", "--limit", "3")
    assert [row[0] for row in rows(result.stdout)] == ["NAME", *expected[:3]]
    assert result.stderr == "The worst 3 of 1100.\n"


def test_list_filters_by_state(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    cli.trip(f"{name}/b")
    for states, expected in (("open", ["b"]), ("CLOSED", ["a"]), ("OPEN,closed", ["b", "a"])):
        listed = cli.json("list", f"{name}/*", "--state", states)
        assert [b["name"] for b in listed["breakers"]] == [f"{name}/{leaf}" for leaf in expected]


def test_list_with_a_limit_says_what_it_leaves_out(cli, name):
    for leaf in ("a", "b", "c"):
        cli.ok("allow", f"{name}/{leaf}")
    cli.trip(f"{name}/c")
    result = cli("list", f"{name}/*", "--limit", "1")
    assert [row[0] for row in rows(result.stdout)] == ["NAME", f"{name}/c"]
    assert result.stderr == "The worst 1 of 3.\n"


def test_list_of_nothing_prints_no_data_and_exits_0(cli, name):
    result = cli("list", f"{name}/*")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("No breakers match.")
    assert cli.json("list", f"{name}/*") == {"breakers": [], "nextPageToken": ""}


def test_list_with_a_bad_glob_prints_the_servers_reason(cli):
    result = cli("list", "a**b")
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: GLOB_INVALID\n" in result.stderr


def test_list_refuses_a_state_that_does_not_exist():
    result = run("list", "--state", "AJAR")
    assert result.returncode == USAGE
    assert "--state: AJAR not in {CLOSED,OPEN,HALF_OPEN}" in result.stderr
