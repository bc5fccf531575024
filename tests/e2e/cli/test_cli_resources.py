"""fuseboxctl policy and budget."""

import pytest
from cli_driver import FAILED_PRECONDITION, NOT_FOUND, fields, rows

TEXT = """
policies:
  - name: {word}
    match: ["{word}/**", "{word}"]
    circuit_breaker: {{failure_rate_threshold: 0.3, open_duration: 10s}}
    classification: {{http: {{404: FAILURE}}}}
    shared_retry_budget: {word}
retry_budgets:
  - name: {word}
    settings: {{min_retries_per_second: 10}}
"""


@pytest.fixture
def applied(cli, word):
    """The name of a policy and of a budget."""
    cli.ok("apply", "-f", "-", "--actor", "ann", stdin=TEXT.format(word=word))
    return word


def row_of(table, name):
    head, *body = rows(table)
    return dict(zip(head, next(row for row in body if row[0] == name)))


def test_policies_are_listed_with_when_they_open(cli, applied):
    table = cli.ok("policy", "list")
    line = next(line for line in table.splitlines() if line.startswith(f"{applied} "))
    columns = [column.strip() for column in line.split("  ") if column.strip()]
    assert columns == [
        applied, f"{applied}/** {applied}", "5 in a row, 30.0% failed", "10s", applied, "API",
    ]
    assert any(line.startswith("default ") for line in table.splitlines())


def test_wide_says_who_changed_it_last(cli, applied):
    assert cli.ok("policy", "list", "-o", "wide").splitlines()[0].split()[-3:] == [
        "UPDATED", "BY", "ETAG",
    ]
    assert row_of(cli.ok("budget", "list", "-o", "wide"), applied)["BY"] == "ann"


def test_one_policy_is_shown_with_all_that_it_sets(cli, applied):
    for name in (applied, f"policy/{applied}"):
        shown = fields(cli.ok("policy", "get", name))
        assert shown["name"] == applied
        assert shown["match"] == f"{applied}/** {applied}"
        assert shown["circuit_breaker.open_duration"] == "10s"
        assert shown["classification.http.404"] == "FAILURE"
        assert shown["info.updated_by"] == "ann"


def test_budgets_are_listed_with_what_is_left(cli, applied):
    row = row_of(cli.ok("budget", "list"), applied)
    assert row == {
        "BUDGET": applied, "LEFT": "100.0", "OF": "100.0", "SPENT": "0", "REFUSED": "0",
        "SOURCE": "API",
    }
    assert fields(cli.ok("budget", "get", applied))["status.balance_millis"] == "100000"


def test_names_are_those_that_edit_takes(cli, applied):
    assert f"policy/{applied}" in cli.ok("policy", "list", "-o", "name").splitlines()
    assert cli.ok("budget", "get", applied, "-o", "name") == f"budget/{applied}\n"


def test_what_is_printed_can_be_applied(cli, applied):
    text = cli.ok("policy", "get", applied, "-o", "yaml")
    assert cli.ok("apply", "-f", "-", stdin=text) == f"policy/{applied} unchanged\n"


def test_delete_removes_it(cli, applied):
    result = cli("policy", "delete", f"policy/{applied}", "--dry-run")
    assert result.stderr == f"policy/{applied} deleted (dry run).\n"
    result = cli("policy", "delete", applied)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"policy/{applied} deleted.\n"
    result = cli("policy", "get", applied)
    assert result.returncode == NOT_FOUND
    assert "\n  reason: POLICY_NOT_FOUND\n" in result.stderr


def test_a_budget_in_use_stays(cli, applied):
    result = cli("budget", "delete", applied)
    assert result.returncode == FAILED_PRECONDITION
    assert "\n  reason: RETRY_BUDGET_IN_USE\n" in result.stderr
    cli.ok("policy", "delete", applied)
    cli.ok("budget", "delete", applied)
    assert cli("budget", "get", applied).returncode == NOT_FOUND


def test_a_list_of_nothing_says_how_to_make_one(start, cli_of):
    result = cli_of(start())("budget", "list")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "There are none; `fuseboxctl apply` makes them.\n"
