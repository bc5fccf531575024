"""What all verbs of fuseboxctl share: server, flags, variables, help, colour."""

import json
import re
import subprocess

import pytest
from cli_driver import (
    DEADLINE_EXCEEDED,
    FUSEBOXCTL,
    OUTPUT_FAILED,
    PATIENCE_S,
    UNAVAILABLE,
    USAGE,
    environment,
    fields,
    on_terminal,
    run,
)

CALLS = [
    ("allow", "a"),
    ("record", "a", "--outcome", "SUCCESS"),
    ("get", "a"),
    ("list",),
    ("describe", "a"),
    ("watch",),
    ("wait", "a", "--for", "open"),
    ("top", "--once"),
    ("history",),
    ("override", "a", "--mode", "shadow", "--reason", "why"),
    ("clear", "a", "--reason", "why"),
    ("overrides",),
    ("drill", "a", "--ttl", "1s", "--reason", "why"),
    ("reset", "a", "--reason", "why"),
    ("delete", "a", "--reason", "why"),
    ("apply", "-f", "-"),
    ("diff", "-f", "-"),
    ("edit", "policy/a"),
    ("policy", "list"),
    ("policy", "get", "a"),
    ("policy", "delete", "a"),
    ("budget", "list"),
    ("budget", "get", "a"),
    ("budget", "delete", "a"),
    ("version",),
]
FILE = "policies: [{name: a, match: [a]}, {name: b, match: [b]}]"


def called(call):
    return "-".join(word for word in call if word.isalpha())


@pytest.mark.parametrize("arguments", CALLS, ids=called)
def test_without_a_server_every_verb_says_what_to_start_or_set(arguments, closed_port):
    result = run(*arguments, "--server", f"127.0.0.1:{closed_port}", stdin=FILE)
    assert result.returncode == UNAVAILABLE
    assert result.stdout == ("client  0.1.0\n" if arguments == ("version",) else "")
    # Once, however many resources a file holds.
    assert result.stderr.count(f"no server answers at 127.0.0.1:{closed_port}: ") == 1
    assert "Connection refused" in result.stderr
    for remedy in ("Start one with `fusebox`", "--server", "FUSEBOX_SERVER"):
        assert remedy in result.stderr


@pytest.mark.parametrize("arguments", CALLS, ids=called)
def test_the_time_out_bounds_connecting_too(arguments, mute_port):
    server = f"127.0.0.1:{mute_port}"
    result = run(*arguments, stdin=FILE, FUSEBOX_SERVER=server, FUSEBOX_TIMEOUT="200ms")
    assert result.returncode in (DEADLINE_EXCEEDED, UNAVAILABLE)
    assert f"no server answers at 127.0.0.1:{mute_port}" in result.stderr


def test_a_call_that_takes_too_long_says_how_to_wait_longer(stuck_port):
    result = run("get", "a", "--server", f"127.0.0.1:{stuck_port}", "--timeout", "500ms")
    assert result.returncode == DEADLINE_EXCEEDED
    assert f"DEADLINE_EXCEEDED from 127.0.0.1:{stuck_port}: " in result.stderr
    assert "Give it longer with --timeout (FUSEBOX_TIMEOUT)." in result.stderr


def test_a_server_may_be_a_unix_socket(start, tmp_path):
    address = f"unix:{tmp_path}/fusebox.sock"
    start(listen=(address,))
    assert fields(run("allow", "a", "--server", address).stdout)["decision"] == "ALLOWED"


def test_a_unix_socket_that_is_not_there_is_named(tmp_path):
    address = f"unix:{tmp_path}/none.sock"
    result = run("get", "a", "--server", address)
    assert result.returncode == UNAVAILABLE
    assert f"no server answers at {address}: " in result.stderr
    assert "No such file or directory" in result.stderr


def test_a_proxy_for_the_web_is_not_asked(cli, closed_port):
    proxy = f"http://127.0.0.1:{closed_port}"
    result = cli("health", http_proxy=proxy, https_proxy=proxy, grpc_proxy=proxy, no_proxy="")
    assert (result.returncode, result.stdout) == (0, "SERVING\n")


@pytest.mark.parametrize(
    "address", ["localhost", "localhost:", ":7400", "::1:7400", "a:b", "a:70000"]
)
def test_an_address_without_host_and_port_is_refused(address):
    result = run("get", "a", "--server", address)
    assert result.returncode == USAGE
    assert f'server address "{address}" has no host and port; write it like' in result.stderr


def test_a_flag_goes_before_its_variable(server, closed_port):
    unused = f"127.0.0.1:{closed_port}"
    result = run("--server", server.address, "health", FUSEBOX_SERVER=unused, FUSEBOX_OUTPUT="json")
    assert json.loads(result.stdout) == {"status": "SERVING"}
    result = run("health", "-o", "table", "--server", server.address, FUSEBOX_OUTPUT="json")
    assert result.stdout == "SERVING\n"


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("FUSEBOX_SERVER", "nowhere", 'server address "nowhere" has no host and port'),
        ("FUSEBOX_TIMEOUT", "7", '"7" is no duration'),
        ("FUSEBOX_TIMEOUT", "0s", 'a time-out of "0s" lets no call end'),
        ("FUSEBOX_OUTPUT", "xml", "xml not in {table,wide,json,yaml,name}"),
    ],
)
def test_a_bad_variable_is_named(variable, value, complaint):
    result = run("get", "a", **{variable: value})
    assert result.returncode == USAGE
    assert complaint in result.stderr
    assert f'{variable} is set to "{value}".' in result.stderr


def test_a_variable_is_not_blamed_for_a_flag():
    result = run("get", "a", "--timeout", "7", FUSEBOX_TIMEOUT="5s")
    assert result.returncode == USAGE
    assert '"7" is no duration' in result.stderr
    assert "FUSEBOX_TIMEOUT" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "a verb is missing; give one of allow, record, list, get, describe, watch, wait, top, "),
        (("frob",), '"frob" is no verb; give one of allow, '),
        (("policy",), "a verb is missing; give one of list, get, delete"),
        (("budget", "frob"), '"frob" is no verb; give one of list, get, delete'),
        (("policy", "get"), "NAME is required"),
        (("get",), "NAME is required"),
        (("get", "a", "b"), "The following argument was not expected: b"),
        (("allow", "a", "--attempt", "0"), "--attempt"),
        (("list", "--limit", "0"), "--limit"),
        (("watch", "--count", "x"), "--count"),
        (("describe",), "NAME is required"),
        (("describe", "a", "--history", "0"), "--history"),
        (("wait", "a"), "--for is required"),
        (("wait", "a", "--for", "ajar"), "--for: ajar not in {CLOSED,OPEN,HALF_OPEN}"),
        (("wait", "a", "--for", "open", "--timeout", "5"), '"5" is no duration'),
        (("top", "--interval", "x"), '"x" is no duration'),
        (("history", "--cause", "boredom"), "--cause: boredom not in {CONSECUTIVE_FAILURES,"),
        (("history", "--since", "5"), '"5" is no moment; write how long ago, like 15m, or a time'),
        (("history", "--limit", "-1"), "--limit"),
        (("override", "a", "--reason", "why"), "--mode is required"),
        (("override", "a", "--mode", "shadow"), "--reason is required"),
        (("override", "--mode", "shadow", "--reason", "why"), "MATCH is required"),
        (("override", "a", "--mode", "ajar", "--reason", "why"), "--mode: ajar not in {FORCED_OPEN,"),
        (("override", "a", "--mode", "shadow", "--reason", "why", "--ttl", "1"), '"1" is no duration'),
        (("clear",), "MATCH is required"),
        (("overrides", "a"), "The following argument was not expected: a"),
        (("drill", "a", "--ttl", "1s"), "--reason is required"),
        (("drill", "a", "--reason", "why"), "--ttl is required"),
        (("reset", "a"), "--reason is required"),
        (("delete", "a"), "--reason is required"),
        (("apply",), "--file is required"),
        (("diff",), "--file is required"),
        (("edit",), "NAME is required"),
        (("simulate",), "--policy is required"),
        (("simulate", "--policy", "a"), "--trace is required"),
        (("completion",), "SHELL is required"),
        (("completion", "tcsh"), "tcsh not in {bash,zsh,fish}"),
        (("version", "now"), "The following argument was not expected: now"),
    ],
)
def test_usage_errors_exit_2_and_point_to_the_help(arguments, complaint):
    result = run(*arguments)
    assert result.returncode == USAGE
    assert result.stdout == ""
    assert complaint in result.stderr
    pointer = re.search("See `(fuseboxctl.* --help)`.", result.stderr)[1].split()
    assert run(*pointer[1:]).returncode == 0


@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ("allow", ["NAME", "--attempt", "--client"]),
        ("record", ["NAME", "--permit", "--outcome", "--grpc-code", "--http-status", "--latency",
                    "--retry-after", "--client"]),
        ("get", ["NAME"]),
        ("describe", ["NAME", "--history"]),
        ("list", ["GLOB", "--state", "--limit"]),
        ("watch", ["GLOB", "--until-synced", "--count"]),
        ("wait", ["NAME", "--for", "--timeout", "exits 68"]),
        ("top", ["GLOB", "--interval", "--once", "q ends"]),
        ("history", ["GLOB", "--cause", "--since", "--until", "--limit"]),
        ("override", ["MATCH", "--mode", "--reason", "--ttl", "--dry-run"]),
        ("clear", ["MATCH", "--reason", "--dry-run"]),
        ("overrides", []),
        ("drill", ["MATCH", "--ttl", "--reason", "--wait", "--dry-run"]),
        ("reset", ["NAME", "--reason"]),
        ("delete", ["NAME", "--reason"]),
        ("apply", ["--file", "--dry-run"]),
        ("diff", ["--file", "FUSEBOX_DIFF", "1 if something is"]),
        ("edit", ["policy/NAME", "budget/NAME", "$VISUAL", "$EDITOR"]),
        ("simulate", ["--policy", "--trace", "--breaker", "RATE_LIMITED", "in seconds"]),
        ("policy list", []),
        ("policy get", ["NAME"]),
        ("policy delete", ["NAME", "--dry-run"]),
        ("budget list", []),
        ("budget get", ["NAME"]),
        ("budget delete", ["NAME", "--dry-run"]),
        ("health", ["SERVICE", "not serving"]),
        ("version", ["--client"]),
        ("completion", ["SHELL", "~/.bashrc", "config.fish"]),
    ],
)
def test_every_verb_explains_itself(verb, flags):
    result = run(*verb.split(), "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Usage: fuseboxctl {verb} " in result.stdout
    for flag in flags:
        assert flag in result.stdout
    *groups, last = verb.split()
    assert f"\n  {last} " in run(*groups, "--help").stdout


def test_the_help_documents_the_variables_and_the_exit_codes():
    text = run("--help").stdout
    for expected in ("FUSEBOX_SERVER", "FUSEBOX_TIMEOUT", "FUSEBOX_OUTPUT", "FUSEBOX_ACTOR",
                     "FUSEBOX_TOKEN", "NO_COLOR", "127.0.0.1:7400", "64 + N"):
        assert expected in text


def test_colour_is_for_terminals_without_no_color(cli, name):
    cli.trip(name)
    red = "\x1b[31mOPEN\x1b[0m"
    assert red in on_terminal(cli.address, "get", name)
    assert "\x1b" not in on_terminal(cli.address, "get", name, NO_COLOR="1")
    assert "\x1b" not in on_terminal(cli.address, "get", name, "-o", "json")
    assert "\x1b" not in cli.ok("get", name)


def test_colour_does_not_disturb_the_columns(cli, name):
    cli.trip(f"{name}/a")
    cli.ok("allow", f"{name}/b")
    painted = on_terminal(cli.address, "list", f"{name}/*")
    bare = re.sub("\x1b\\[[0-9]*m", "", painted).splitlines()
    assert len({line.index("default") for line in bare[1:]} | {bare[0].index("POLICY")}) == 1


def test_a_name_that_somebody_else_chose_cannot_steer_the_terminal(cli, name):
    cli.ok("record", name, "--outcome", "FAILURE", "--client", "é\x9b1m")  # U+009B is ESC and [.
    assert fields(cli.ok("get", name))["failing_clients"] == r"é\x9b1m"


def test_output_that_cannot_be_written_is_an_error(cli, name):
    cli.ok("allow", name)
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run(
            [FUSEBOXCTL, "get", name],
            env=environment(FUSEBOX_SERVER=cli.address),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert result.returncode == OUTPUT_FAILED
    assert "stdout cannot be written" in result.stderr
