"""Every flag of fuseboxctl is an environment variable too."""

import re

import pytest
from cli_driver import USAGE, rows, run

VERBS = """allow record list get describe watch wait top history override clear overrides drill reset
    delete apply diff edit health simulate version completion""".split()
GROUPS = {"policy": ("list", "get", "delete"), "budget": ("list", "get", "delete")}
PATHS = [(), *((verb,) for verb in VERBS)]
PATHS += [(group, verb) for group, verbs in GROUPS.items() for verb in verbs]


def flags(help_text):
    """Each flag of a help and its variable, None if it has none."""
    found = re.findall(r"^  (?:-\w,)?--([a-z-]+)(.*)$", help_text, re.MULTILINE)
    return {flag: re.search(r"\(Env:(\w+)\)", rest) for flag, rest in found}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: "-".join(path) or "global")
def test_the_variable_of_a_flag_follows_from_its_name(path):
    found = flags(run(*path, "--help").stdout)
    assert found
    for flag, variable in found.items():
        if flag in ("help", "version") and not path or flag == "help":
            continue
        expected = "_".join(["FUSEBOX", *path, flag]).replace("-", "_").upper()
        assert variable and variable[1] == expected, flag


def test_every_verb_is_looked_at():
    shown = re.findall(r"^  ([a-z]+)  ", run("--help").stdout, re.MULTILINE)
    assert sorted(shown) == sorted([*VERBS, *GROUPS])


def test_a_variable_sets_the_flag_of_its_verb_only(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    listed = cli.ok("list", f"{name}/*", FUSEBOX_LIST_LIMIT="1")
    assert [row[0] for row in rows(listed)] == ["NAME", f"{name}/a"]
    listed = cli.ok("list", f"{name}/*", FUSEBOX_HISTORY_LIMIT="1")
    assert len(rows(listed)) == 3


def test_a_flag_of_a_verb_goes_before_its_variable(cli, name):
    for leaf in ("a", "b", "c"):
        cli.ok("allow", f"{name}/{leaf}")
    listed = cli.ok("list", f"{name}/*", "--limit", "2", FUSEBOX_LIST_LIMIT="1")
    assert len(rows(listed)) == 3


def test_a_required_flag_may_come_from_its_variable(closed_port):
    server = f"127.0.0.1:{closed_port}"
    result = run("reset", "a", FUSEBOX_RESET_REASON="because", FUSEBOX_SERVER=server)
    assert "no server answers" in result.stderr


def test_a_switch_may_come_from_its_variable(cli, name):
    cli.ok("allow", name)
    assert cli.ok("watch", name, FUSEBOX_WATCH_UNTIL_SYNCED="true") == f"CLOSED     {name}\n"


def test_a_list_in_a_variable_is_separated_by_commas(cli, name):
    cli.ok("allow", name)
    assert name in cli.ok("list", name, FUSEBOX_LIST_STATE="OPEN,CLOSED")
    assert name not in cli.ok("list", name, FUSEBOX_LIST_STATE="OPEN,half-open")


def test_a_bad_variable_of_a_verb_is_named():
    result = run("list", FUSEBOX_LIST_LIMIT="many")
    assert result.returncode == USAGE
    assert 'FUSEBOX_LIST_LIMIT is set to "many".' in result.stderr


def test_what_another_verbs_variable_holds_does_not_matter(cli):
    assert cli.ok("health", FUSEBOX_LIST_LIMIT="many") == "SERVING\n"
