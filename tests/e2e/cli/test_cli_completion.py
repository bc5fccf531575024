"""fuseboxctl completion, and what shells ask for when TAB is pressed."""

import os
import shutil
import subprocess

import pytest
from cli_driver import FUSEBOXCTL, PATIENCE_S, environment, run


def complete(*words, **env):
    result = run("__complete", *words, **env)
    assert result.stderr == ""
    return result.stdout.split()


def test_verbs_are_completed():
    assert complete("h") == ["health", "history"]
    assert complete("policy", "") == ["delete", "get", "list"]
    assert complete("--output", "json", "wat") == ["watch"]
    assert "__complete" not in complete("")


def test_flags_are_completed_those_of_every_verb_too():
    assert complete("list", "--li") == ["--limit"]
    assert complete("list", "--tls-c") == ["--tls-ca", "--tls-client-cert", "--tls-client-key"]
    assert complete("record", "a", "--ht") == ["--http-status"]
    assert "--limit" not in complete("get", "--")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("list", "--state", ""), ["CLOSED", "HALF_OPEN", "OPEN"]),
        (("history", "--cause", "PROBES"), ["PROBES_EXPIRED", "PROBES_SUCCEEDED"]),
        (("override", "a", "--mode", "FORCED_O"), ["FORCED_OPEN"]),
        (("record", "--outcome", "CAL"), ["CALLER_ERROR"]),
        (("-o", ""), ["json", "name", "table", "wide", "yaml"]),
        (("completion", ""), ["bash", "fish", "zsh"]),
        (("health", "re"), ["readiness"]),
        (("get", "a", ""), []),
    ],
)
def test_values_are_completed(words, expected, closed_port):
    assert complete(*words, FUSEBOX_SERVER=f"127.0.0.1:{closed_port}") == expected


def test_names_of_breakers_come_from_the_server(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    for verb in ("allow", "get", "describe", "watch", "reset", "drill"):
        assert complete(verb, f"{name}/", FUSEBOX_SERVER=cli.address) == [f"{name}/a", f"{name}/b"]
    assert complete("--server", cli.address, "get", f"{name}/a") == [f"{name}/a"]
    assert complete("record", "--latency", "1s", f"{name}/b", "--server", cli.address) == []


def test_names_of_policies_and_budgets_come_from_the_server(cli, word):
    cli.ok(
        "apply", "-f", "-",
        stdin=f"{{policies: [{{name: {word}, match: [{word}]}}], retry_budgets: [{{name: {word}}}]}}",
    )
    env = {"FUSEBOX_SERVER": cli.address}
    assert complete("policy", "get", word, **env) == [word]
    assert complete("budget", "delete", word, **env) == [word]
    assert complete("edit", f"policy/{word}", **env) == [f"policy/{word}"]
    assert f"budget/{word}" in complete("edit", "", **env)


def test_without_a_server_there_are_no_names_and_no_errors(closed_port, mute_port):
    for port in (closed_port, mute_port):
        assert complete("get", "", FUSEBOX_SERVER=f"127.0.0.1:{port}") == []
    assert complete("get", "", FUSEBOX_SERVER="nowhere") == []
    assert complete("get", "", FUSEBOX_TOKEN_FILE="none") == []


def test_files_are_left_to_the_shell():
    for words in (("apply", "-f", ""), ("--tls-ca", "")):
        result = run("__complete", *words)
        assert (result.returncode, result.stdout) == (1, "")


def shell(name, script, **env):
    """What a script prints in a shell that finds fuseboxctl."""
    path = os.path.dirname(FUSEBOXCTL) + ":" + os.environ["PATH"]
    result = subprocess.run(
        [shutil.which(name) or pytest.fail(f"{name} is not installed: .ci/install test"),
         *{"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name], "-c", script],
        env=environment(PATH=path, **env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout.split()


BASH = """
source <(fuseboxctl completion bash)
COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_fuseboxctl
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def test_bash_completes(cli, name):
    cli.ok("allow", name)
    env = {"FUSEBOX_SERVER": cli.address}
    assert shell("bash", BASH % "fuseboxctl policy ''", **env) == ["delete", "get", "list"]
    assert shell("bash", BASH % f"fuseboxctl get {name[:-1]}", **env) == [name]
    assert shell("bash", BASH % "fuseboxctl apply -f ''", **env) == []  # It looks for files itself.


ZSH = """
compdef() { :; }
compadd() { shift; print -l -- "$@"; }
_files() { print files; }
source <(fuseboxctl completion zsh)
words=(%s) CURRENT=${#words}
_fuseboxctl
"""


def test_zsh_completes(cli, name):
    cli.ok("allow", name)
    env = {"FUSEBOX_SERVER": cli.address}
    assert shell("zsh", ZSH % "fuseboxctl policy ''", **env) == ["delete", "get", "list"]
    assert shell("zsh", ZSH % f"fuseboxctl get {name[:-1]}", **env) == [name]
    assert shell("zsh", ZSH % "fuseboxctl apply -f ''", **env) == ["files"]


FISH = "fuseboxctl completion fish | source; complete --do-complete '%s'"


def test_fish_completes(cli, name, tmp_path):
    cli.ok("allow", name)
    env = {"FUSEBOX_SERVER": cli.address, "HOME": str(tmp_path)}
    assert shell("fish", FISH % "fuseboxctl policy ", **env) == ["delete", "get", "list"]
    assert shell("fish", FISH % f"fuseboxctl get {name[:-1]}", **env) == [name]
    (tmp_path / "file.yaml").touch()
    assert f"{tmp_path}/file.yaml" in shell("fish", FISH % f"fuseboxctl apply -f {tmp_path}/", **env)
