"""fuseboxctl completion, and what shells ask for when TAB is pressed."""

import os
import shutil
import subprocess

import pytest
from cli_driver import FUSEBOXCTL, PATIENCE_S, environment, run
from fusebox.v1 import admin_pb2
from terminal import Terminal


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
        (("list", "--state=HALF"), ["--state=HALF_OPEN"]),
        (("list", "--state=OPEN", "--lim"), ["--limit"]),
        (("-ojson", "list", "--state", "HALF"), ["HALF_OPEN"]),
        (("list", "--nonsense=O"), []),
    ],
)
def test_values_are_completed(words, expected, closed_port):
    assert complete(*words, FUSEBOX_SERVER=f"127.0.0.1:{closed_port}") == expected


def test_prefixes_are_paths_of_breakers(cli, name):
    for leaf in ("a/x", "a/y", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    below = [f"{name}/{path}" for path in ("a", "a/x", "a/y", "b")]
    assert complete("health", "--prefix", f"{name}/", FUSEBOX_SERVER=cli.address) == below
    assert name in complete("health", "--prefix", name[:-1], FUSEBOX_SERVER=cli.address)


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


HOSTILE = ["pay$(touch pwned)", "pay`touch pwned`", "pay;touch pwned", "pay\ntouch", "pay ments",
           "pay'", "pay\x1b[2J", "pay*", "-pay", "~+$(touch pwned)"]


def breakers(*names):
    """Answers ListBreakers and keeps what was asked, with the token."""
    asked = []

    def answer(request, context):
        asked.append((request.match, dict(context.invocation_metadata()).get("authorization")))
        listed = [admin_pb2.Breaker(name=name) for name in names]
        return admin_pb2.ListBreakersResponse(breakers=listed)

    return answer, asked


def test_names_that_a_shell_could_take_for_more_are_left_out(stand_in):
    answer, _ = breakers(*HOSTILE, "payments", "pay/a~b_c-d.E0")
    cli = stand_in(ListBreakers=answer)
    for begin in ("", "pay"):
        result = cli("__complete", "get", begin)
        assert result.stdout.splitlines() == ["pay/a~b_c-d.E0", "payments"]


def test_the_server_is_asked_for_what_begins_so_only(stand_in):
    answer, asked = breakers("a/bc")
    cli = stand_in(ListBreakers=answer)
    for begin in ("a/b", "a/", "", "a/*", "a//", "a b"):
        cli.ok("__complete", "get", begin)
    assert [match for match, _ in asked] == ["a/b*/**", "a/**", ""]


@pytest.mark.parametrize(
    "words",
    [
        ("--server", "no-port", "get", ""),
        ("--server", ":", "get", ""),
        ("--server", "get", ""),
        ("--server=", "get", ""),
        ("--serve", "127.0.0.1:1", "get", ""),
        ("--timeout", "x", "get", ""),
    ],
)
def test_no_server_is_asked_unless_it_is_clear_which(stand_in, words):
    answer, asked = breakers("a")
    stand_in(ListBreakers=answer).ok("__complete", *words, FUSEBOX_TOKEN="t0ken")
    assert asked == []


def test_the_server_of_the_line_gets_the_token_and_no_other(stand_in):
    answer, asked = breakers("a")
    other_answer, other_asked = breakers("b")
    other, meant = stand_in(ListBreakers=other_answer), stand_in(ListBreakers=answer)
    for flag in (("--server", meant.address), (f"--server={meant.address}",)):
        assert other.ok("__complete", *flag, "get", "", FUSEBOX_TOKEN="t0ken") == "a\n"
    assert asked == [("", "Bearer t0ken")] * 2
    assert other_asked == []


def test_all_pages_together_have_half_a_second(stand_in):
    more = admin_pb2.ListBreakersResponse(next_page_token="more")
    assert stand_in(ListBreakers=lambda request, context: more).ok("__complete", "get", "") == ""


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
COMP_LINE=${COMP_WORDS[*]} COMP_POINT=${#COMP_LINE}
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


INTERACTIVE = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        f"source <({FUSEBOXCTL} completion bash); PS1='ready> '",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -U compinit; compinit -D; unsetopt prompt_cr prompt_sp;"
        f" source <({FUSEBOXCTL} completion zsh); PS1='ready> '",
    ),
}


@pytest.fixture
def type_into(tmp_path):
    """Starts a shell on a terminal that knows fuseboxctl; tmp_path is where it is."""
    terminals = []

    def start(name, folder=os.path.dirname(FUSEBOXCTL), **env):
        command, begin = INTERACTIVE[name]
        path = f"{folder}:{os.environ['PATH']}"
        env = environment(PATH=path, TERM="linux", HOME=str(tmp_path), **env)
        shell_of = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(tmp_path)]
        terminals.append(Terminal([*shell_of, *command], env))
        terminals[-1].press(begin + "\n")
        terminals[-1].until(lambda text: text.splitlines() and text.rstrip().endswith("\nready>"))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.__exit__()


def test_bash_keeps_host_and_port_together(cli, name, type_into):
    cli.ok("allow", name)
    terminal = type_into("bash")
    terminal.press(f"fuseboxctl --server {cli.address} get {name[:-1]}\t")
    terminal.until(f"get {name}")
    terminal.press(f"\x15fuseboxctl get --server={cli.address} {name[:-1]}\t")
    terminal.until(f"--server={cli.address} {name}")


def test_bash_completes_behind_an_equals_sign(type_into):
    terminal = type_into("bash")
    terminal.press("fuseboxctl list --state=HA\t")
    terminal.until("--state=HALF_OPEN")


def test_bash_completes_in_the_middle_of_a_line(type_into):
    terminal = type_into("bash")
    terminal.press("fuseboxctl li --limit=3" + "\x02" * len(" --limit=3") + "\t")
    terminal.until("fuseboxctl list --limit=3")


@pytest.mark.parametrize("name", INTERACTIVE)
def test_no_shell_runs_what_a_server_says(stand_in, type_into, tmp_path, name):
    answer, _ = breakers(*HOSTILE, "payments")
    terminal = type_into(name, FUSEBOX_SERVER=stand_in(ListBreakers=answer).address)
    terminal.press("echo end-of fuseboxctl; fuseboxctl get pay\t")
    terminal.until("fuseboxctl get payments")
    terminal.press("\n")
    terminal.until("\nend-of fuseboxctl")
    assert not list(tmp_path.glob("pwned*"))


# Whatever fuseboxctl printed: here something that it never would.
@pytest.mark.parametrize("name", INTERACTIVE)
def test_no_shell_runs_a_choice(type_into, tmp_path, name):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "fuseboxctl"
    program.write_text(
        '#!/bin/sh\n[ "$1" = __complete ] && echo \'x$(touch pwned);y\' && exit\necho "ran $2."\n'
    )
    program.chmod(0o755)
    terminal = type_into(name, folder=folder)
    terminal.press("fuseboxctl get x\t")
    terminal.until(lambda text: "touch" in text.split("ready>")[-1])
    terminal.press("\n")
    terminal.until("ran x$(touch pwned);y.")
    assert not (tmp_path / "pwned").exists()
