"""fuseboxctl apply."""

import pytest
from cli_driver import ABORTED, INVALID_ARGUMENT, USAGE, run


def both(word, ratio="0.1", more=""):
    return f"""
retry_budgets:
  - name: {word}
    settings: {{retry_ratio: {ratio}}}
policies:
  - name: {word}
    match: ["{word}/**"]
    shared_retry_budget: {word}
    {more}
"""


def test_apply_creates_then_leaves_then_updates(cli, word, write):
    file = write(both(word))
    # Budgets come first: policies name them.
    assert cli.ok("apply", "-f", file) == f"budget/{word} created\npolicy/{word} created\n"
    assert cli.ok("apply", "-f", file) == f"budget/{word} unchanged\npolicy/{word} unchanged\n"
    file = write(both(word, ratio="0.3"))
    assert cli.ok("apply", "-f", file) == f"budget/{word} updated\npolicy/{word} unchanged\n"
    assert cli.yaml("budget", "get", word)["retry_budgets"][0]["settings"]["retry_ratio"] == 0.3


def test_apply_reads_stdin(cli, word):
    assert cli.ok("apply", "-f", "-", stdin=both(word)).endswith(f"policy/{word} created\n")


def test_a_policy_that_was_applied_rules(cli, word):
    cli.ok("apply", "-f", "-", stdin=both(word, more="circuit_breaker: {consecutive_failures: 1}"))
    cli.ok("record", f"{word}/a", "--outcome", "FAILURE")
    breaker = cli.json("get", f"{word}/a")["breaker"]
    assert (breaker["state"], breaker["policy"]) == ("STATE_OPEN", word)
    assert breaker["policyMatch"] == f"{word}/**"


def test_a_dry_run_changes_nothing(cli, word):
    shown = cli.ok("apply", "-f", "-", "--dry-run", stdin=both(word))
    # The policy names a budget that would be there by then.
    assert shown == f"budget/{word} created (dry run)\npolicy/{word} created (dry run)\n"
    assert cli("policy", "get", word).returncode != 0
    assert cli("budget", "get", word).returncode != 0


def test_apply_in_yaml_prints_what_is_in_force(cli, word):
    text = cli.ok("apply", "-f", "-", "-o", "yaml", stdin=both(word))
    assert cli.ok("apply", "-f", "-", stdin=text) == (
        f"budget/{word} unchanged\npolicy/{word} unchanged\n"
    )
    assert cli.ok("apply", "-f", "-", "-o", "name", stdin=text) == (
        f"policy/{word}\nbudget/{word}\n"
    )


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_one_that_is_refused_does_not_keep_the_others_from_being_applied(cli, word, write, more):
    file = write(f"""policies:
  - name: {word}-a
    match: ["{word}/a"]
    circuit_breaker:
      failure_rate_threshold: 50
  - name: {word}-b
    match: ["{word}/b"]
""")
    result = cli("apply", "-f", file, *more)
    assert result.returncode == INVALID_ARGUMENT
    assert result.stdout.startswith(f"policy/{word}-b created")
    assert f"fuseboxctl: {file}:2: policy/{word}-a: INVALID_ARGUMENT from " in result.stderr
    assert "\n  reason: POLICY_INVALID\n" in result.stderr
    # Where it stands in the file.
    assert f"circuit_breaker.failure_rate_threshold ({file}:5)" in result.stderr


def test_a_stale_etag_is_refused(cli, word):
    cli.ok("apply", "-f", "-", stdin=both(word))
    etag = cli.yaml("policy", "get", word)["policies"][0]["info"]["etag"]
    change = "circuit_breaker: {max_probes: %d}\n    info: {etag: '%s'}"
    assert cli.ok("apply", "-f", "-", stdin=both(word, more=change % (7, etag))).endswith(
        f"policy/{word} updated\n"
    )
    result = cli("apply", "-f", "-", stdin=both(word, more=change % (8, etag)))
    assert result.returncode == ABORTED
    assert "\n  reason: ETAG_STALE\n" in result.stderr


def test_who_applied_it_is_written_down(cli, word):
    cli.ok("apply", "-f", "-", "--actor", "ann", stdin=both(word))
    assert cli.yaml("policy", "get", word)["policies"][0]["info"]["updated_by"] == "ann"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("policies: [{nam: a}]", "stdin:1: policies[0].nam is not known here; did you mean name?"),
        (
            "server: {max_breakers: 1}",
            "stdin:1: server is not known here; the keys are policies, retry_budgets",
        ),
        ("", "stdin holds nothing; write policies: or retry_budgets: into it"),
        ("policies: [{match: [a]}]", 'stdin:1: policies[0].name is ""; use lower-case letters'),
        ("policies: [{name: ../a}]", 'policies[0].name is "../a"; use lower-case letters'),
        (
            "retry_budgets:\n  - name: a\n  - name: a\n",
            'stdin:3: retry_budgets[1].name is "a", as is that at stdin:2; remove one',
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_lines(text, complaint):
    for verb in ("apply", "diff"):
        result = run(verb, "-f", "-", stdin=text)
        assert (result.returncode, result.stdout) == (USAGE, "")
        assert complaint in result.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path, cause in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        result = run("apply", "-f", str(path))
        assert result.returncode == USAGE
        assert f'cannot read "{path}": {cause}' in result.stderr
