"""fuseboxctl diff."""

from cli_driver import DIFFERENT, INVALID_ARGUMENT, TOOL_FAILED

POLICY = """policies:
  - name: {word}
    match: ["{word}/**"]
    circuit_breaker: {{max_probes: {probes}}}
"""


def test_diff_of_what_is_in_force_is_empty(cli, word, write):
    file = write(POLICY.format(word=word, probes=3))
    cli.ok("apply", "-f", file)
    result = cli("diff", "-f", file)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_diff_shows_what_would_change_and_exits_1(cli, word):
    cli.ok("apply", "-f", "-", stdin=POLICY.format(word=word, probes=3))
    result = cli("diff", "-f", "-", stdin=POLICY.format(word=word, probes=4))
    assert (result.returncode, result.stderr) == (DIFFERENT, "")
    lines = result.stdout.splitlines()
    assert f"/LIVE/policy.{word}.yaml" in lines[1]
    assert f"/MERGED/policy.{word}.yaml" in lines[2]
    assert [line for line in lines[3:] if line[0] in "+-"] == ["-  max_probes: 3", "+  max_probes: 4"]


def test_diff_of_what_does_not_exist_adds_all_of_it(cli, word):
    result = cli("diff", "-f", "-", stdin=f"retry_budgets: [{{name: {word}}}]")
    assert result.returncode == DIFFERENT
    assert f"+name: {word}\n" in result.stdout


def test_diff_leaves_no_files(cli, word, tmp_path):
    cli("diff", "-f", "-", stdin=f"retry_budgets: [{{name: {word}}}]", TMPDIR=str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_another_program_may_compare(cli, word):
    text = f"retry_budgets: [{{name: {word}}}]"
    result = cli("diff", "-f", "-", stdin=text, FUSEBOX_DIFF="diff --brief --new-file")
    assert result.returncode == DIFFERENT
    assert result.stdout.startswith("Files ")


def test_an_interrupt_ends_the_program_and_leaves_no_files(cli, word, tmp_path):
    result = cli(
        "diff", "-f", "-", stdin=f"retry_budgets: [{{name: {word}}}]", FUSEBOX_DIFF="kill -INT 0;",
        TMPDIR=str(tmp_path), own_group=True,
    )
    assert result.returncode == TOOL_FAILED
    assert not list(tmp_path.iterdir())


def test_a_program_that_fails_is_named(cli, word):
    text = f"retry_budgets: [{{name: {word}}}]"
    result = cli("diff", "-f", "-", stdin=text, FUSEBOX_DIFF="no-such-diff")
    assert (result.returncode, result.stdout) == (TOOL_FAILED, "")
    assert "`no-such-diff` failed with exit code 127; FUSEBOX_DIFF names another" in result.stderr


def test_diff_does_not_judge_but_apply_does(cli, word):
    text = POLICY.format(word=word, probes=1).replace("max_probes: 1", "failure_rate_threshold: 50")
    assert cli("diff", "-f", "-", stdin=text).returncode == DIFFERENT
    assert cli("apply", "-f", "-", "--dry-run", stdin=text).returncode == INVALID_ARGUMENT
