"""fuseboxctl edit."""

import re

import pytest
from cli_driver import (
    ABORTED,
    FAILED_PRECONDITION,
    INVALID_ARGUMENT,
    NOT_FOUND,
    TOOL_FAILED,
    USAGE,
    run,
)


@pytest.fixture
def policy(cli, word):
    """The name of a policy with max_probes: 3."""
    cli.ok(
        "apply", "-f", "-",
        stdin=f"policies: [{{name: {word}, match: [{word}], circuit_breaker: {{max_probes: 3}}}}]",
    )
    return word


def probes(cli, policy):
    return cli.yaml("policy", "get", policy)["policies"][0]["circuit_breaker"]["max_probes"]


def kept(stderr):
    return re.search(r"Your edit is kept: fuseboxctl apply -f (\S+)\n", stderr)[1]


def test_what_was_written_is_applied(cli, policy, tmp_path):
    sed = "sed -i 's/max_probes: 3/max_probes: 4/'"
    result = cli("edit", f"policy/{policy}", EDITOR=sed, TMPDIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (0, f"policy/{policy} updated\n")
    assert probes(cli, policy) == 4
    assert not list(tmp_path.iterdir())


def test_a_retry_budget_can_be_edited_too(cli, word):
    cli.ok("apply", "-f", "-", stdin=f"retry_budgets: [{{name: {word}}}]")
    add = "sh -c 'echo \"    settings: {retry_ratio: 0.5}\" >>$1' add"
    assert cli.ok("edit", f"budget/{word}", VISUAL=add) == f"budget/{word} updated\n"
    budget = cli.yaml("budget", "get", word)["retry_budgets"][0]
    assert budget["settings"]["retry_ratio"] == 0.5


def test_an_edit_that_changes_nothing_asks_for_nothing(cli, policy):
    before = cli.yaml("policy", "get", policy)
    result = cli("edit", f"policy/{policy}", EDITOR="true")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"policy/{policy} unchanged.\n"
    assert cli.yaml("policy", "get", policy) == before


def test_visual_goes_before_editor(cli, policy):
    assert cli("edit", f"policy/{policy}", VISUAL="true", EDITOR="false").returncode == 0


def test_somebody_elses_change_is_not_lost_nor_is_the_edit(cli, policy, write, tmp_path):
    # While the editor is open, somebody else applies another file.
    theirs = write(
        f"policies: [{{name: {policy}, match: [{policy}], circuit_breaker: {{max_probes: 5}}}}]"
    )
    editor = write(
        f"FUSEBOX_SERVER={cli.address} \"$FUSEBOXCTL_BINARY\" apply -f {theirs} >&2 &&\n"
        "sed -i 's/max_probes: 3/max_probes: 4/' \"$1\"\n"
    )
    result = cli("edit", f"policy/{policy}", EDITOR=f"sh {editor}", TMPDIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (ABORTED, "")
    assert "\n  reason: ETAG_STALE\n" in result.stderr
    assert "It was changed meanwhile." in result.stderr
    assert probes(cli, policy) == 5
    with open(kept(result.stderr), encoding="utf-8") as file:
        text = file.read()
    assert "max_probes: 4" in text
    # As it advises: without the etag it goes over the other change.
    cli.ok("apply", "-f", "-", stdin=re.sub(r"\n +info:\n +etag: .*", "", text))
    assert probes(cli, policy) == 4


@pytest.mark.parametrize(
    ("edit", "code", "complaint"),
    [
        ("s/max_probes: 3/max_probs: 3/", USAGE, "max_probs"),
        ("s/name: .*/name: other/", USAGE, "holds something other than policy/"),
        ("s/max_probes: 3/failure_rate_threshold: 50/", INVALID_ARGUMENT, "POLICY_INVALID"),
    ],
)
def test_what_cannot_be_applied_is_kept(cli, policy, tmp_path, edit, code, complaint):
    result = cli("edit", f"policy/{policy}", EDITOR=f"sed -i '{edit}'", TMPDIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (code, "")
    assert complaint in result.stderr
    assert kept(result.stderr).startswith(str(tmp_path))
    assert probes(cli, policy) == 3


def test_an_editor_that_fails_is_named(cli, policy, tmp_path):
    result = cli("edit", f"policy/{policy}", EDITOR="no-such-editor -w", TMPDIR=str(tmp_path))
    assert result.returncode == TOOL_FAILED
    assert result.stderr.endswith(  # After what the shell says.
        "fuseboxctl: edit cancelled, nothing changed: the editor `no-such-editor -w` failed with "
        "exit code 127; set EDITOR to another.\n"
    )
    assert not list(tmp_path.glob("fuseboxctl-*"))


# As vi does by :cq.
def test_an_editor_that_fails_cancels_the_edit(cli, policy, tmp_path):
    result = cli("edit", f"policy/{policy}", EDITOR="false", TMPDIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (TOOL_FAILED, "")
    assert result.stderr == (
        "fuseboxctl: edit cancelled, nothing changed: the editor `false` failed with exit code 1.\n"
    )
    assert not list(tmp_path.iterdir())


def test_what_was_written_before_the_editor_failed_is_kept(cli, policy, tmp_path):
    editor = "sh -c 'echo \"# much\" >>$1; exit 1' edit"
    result = cli("edit", f"policy/{policy}", EDITOR=editor, TMPDIR=str(tmp_path))
    assert result.returncode == TOOL_FAILED
    assert "# much\n" in open(kept(result.stderr), encoding="utf-8").read()
    assert probes(cli, policy) == 3


# Ctrl-C in an editor is for the editor, as in vi, where it ends what is going on there.
@pytest.mark.parametrize("signal", ["INT", "QUIT"])
def test_an_interrupt_in_the_editor_is_not_the_end_of_the_edit(cli, policy, write, tmp_path, signal):
    editor = write(
        f"trap 'echo heard >&2' {signal}\nkill -{signal} 0\n"
        "sed -i 's/max_probes: 3/max_probes: 4/' \"$1\"\n"
    )
    result = cli(
        "edit", f"policy/{policy}", EDITOR=f"exec sh {editor}", TMPDIR=str(tmp_path), own_group=True
    )
    assert (result.returncode, result.stdout) == (0, f"policy/{policy} updated\n")
    assert result.stderr == "heard\n"
    assert probes(cli, policy) == 4
    assert not list(tmp_path.glob("fuseboxctl-*"))


def test_an_editor_that_an_interrupt_ends_cancels_the_edit(cli, policy, tmp_path):
    result = cli(
        "edit", f"policy/{policy}", EDITOR="kill -INT 0;", TMPDIR=str(tmp_path), own_group=True
    )
    assert (result.returncode, result.stdout) == (TOOL_FAILED, "")
    assert "edit cancelled, nothing changed" in result.stderr
    assert not list(tmp_path.iterdir())


def test_edit_of_what_is_not_there_prints_the_servers_reason(cli, word):
    result = cli("edit", f"policy/{word}", EDITOR="true")
    assert result.returncode == NOT_FOUND
    assert "\n  reason: POLICY_NOT_FOUND\n" in result.stderr


# Before somebody has typed for an hour.
def test_what_is_the_files_is_refused_before_it_is_edited(start, cli_of, tmp_path):
    cli = cli_of(start(config="policies: [{name: files, match: [files]}]"))
    seen = tmp_path / "seen"
    result = cli("edit", "policy/files", EDITOR=f"touch {seen} #")
    assert result.returncode == FAILED_PRECONDITION
    assert "\n  reason: POLICY_READ_ONLY\n" in result.stderr
    assert not seen.exists()


def test_edit_wants_to_know_what_it_is():
    result = run("edit", "db/orders")
    assert result.returncode == USAGE
    assert '"db/orders" is no policy and no budget; write policy/NAME or budget/NAME.' in result.stderr
