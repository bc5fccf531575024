"""fuseboxctl top."""

import signal
import threading

import pytest
from cli_driver import FUSEBOXCTL, INVALID_ARGUMENT, USAGE, environment, on_terminal, run
from terminal import Terminal

ONCE = ("--once", "--interval", "100ms")
HEAD = "BREAKER STATE FOR FAILED/LIMIT CALLS/S REFUSED/S NEXT-PROBE OVERRIDE".split()


@pytest.fixture
def top(cli):
    """Starts top on a terminal, looking often."""
    terminals = []

    def start(*arguments, server=None, **options):
        env = {"TERM": "xterm-256color", "FUSEBOX_SERVER": server or cli.address}
        env |= options.pop("env", {})
        command = [FUSEBOXCTL, "top", "--interval", "50ms", *arguments]
        terminals.append(Terminal(command, environment(**env), **options))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.__exit__()


def test_once_prints_the_worst_first(cli, name):
    for leaf in ("a", "b"):
        cli.ok("allow", f"{name}/{leaf}")
    cli.trip(f"{name}/b")
    result = cli("top", f"{name}/*", *ONCE)
    assert result.returncode == 0
    assert result.stderr == "2 breakers: 1 open, 0 half-open, 0 overridden\n"
    head, worst, other = (line.split("  ") for line in result.stdout.splitlines())
    assert [word.strip() for word in head if word] == HEAD
    worst, other = ([word.strip() for word in row if word] for row in (worst, other))
    assert worst[:2] == [f"{name}/b", "OPEN"]
    assert worst[3:6] == ["- / 50.0%", "0.0", "0.0"]
    assert worst[6].endswith("s")
    assert other == [f"{name}/a", "CLOSED", "-", "- / 50.0%", "0.0", "0.0", "-", "-"]


def test_once_in_json_is_what_list_prints(cli, name):
    cli.ok("allow", name)
    listed = cli.json("top", name, *ONCE)
    assert [breaker["name"] for breaker in listed["breakers"]] == [name]
    assert cli.ok("top", name, *ONCE, "-o", "name") == f"{name}\n"


def test_once_with_a_bad_glob_prints_the_servers_reason(cli):
    result = cli("top", "a**b", *ONCE)
    assert result.returncode == INVALID_ARGUMENT
    assert "\n  reason: GLOB_INVALID\n" in result.stderr


def test_a_change_is_seen_while_one_looks(cli, top, name):
    cli.ok("allow", name)
    terminal = top(name)
    terminal.until("CLOSED")
    cli.trip(name)
    text = terminal.until("OPEN")
    assert "1 breakers: 1 open, 0 half-open, 0 overridden" in text
    assert text.splitlines()[2].split() == HEAD
    cli.ok("reset", name, "--reason", "why")
    terminal.until("CLOSED")


def test_calls_and_refusals_are_shown_by_the_second(cli, top, name):
    cli.trip(name)
    terminal = top(name)

    def refused(text):
        row = next((line.split() for line in text.splitlines() if line.startswith(name)), [])
        if len(row) < 8 or "-" in row[6:8]:
            return False
        return float(row[7]) > 0 and float(row[6]) >= float(row[7])

    seen = threading.Event()

    def call():
        while not seen.is_set():
            cli("allow", name)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        terminal.until(refused)
    finally:
        seen.set()
        caller.join()


def test_q_ends_it_and_the_terminal_is_as_before(cli, top, name):
    cli.ok("allow", name)
    terminal = top(name)
    terminal.until("q quit")
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.is_as_before()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_before(top, number):
    terminal = top()
    terminal.until("q quit")
    terminal.process.send_signal(number)
    assert terminal.end() == -number
    assert terminal.is_as_before()


def test_control_c_ends_it(top):
    terminal = top()
    terminal.until("q quit")
    terminal.press("\x03")
    assert terminal.end() == -signal.SIGINT
    assert terminal.is_as_before()


def test_keys_scroll(cli, top, name):
    for i in range(20):
        cli.ok("record", f"{name}/{i:02}", "--outcome", "SUCCESS")
    # Eight lines are for breakers. (The screen of these tests cannot scroll as an xterm does.)
    terminal = top(f"{name}/*", lines=12, env={"TERM": "linux"})

    def shown(first):
        return lambda text: f"{name}/{first:02} " in text.splitlines()[3]

    terminal.until(shown(0))
    for keys, first in (
        ("\x1b[B", 1),  # Down
        ("\x1b[6~", 9),  # PgDn
        ("\x1b[4~", 12),  # End
        ("\x1b[B", 12),
        ("\x1b[A", 11),  # Up
        ("\x1b[5~", 3),  # PgUp
        ("\x1b[1~", 0),  # Home
    ):
        terminal.press(keys)
        terminal.until(shown(first))


def test_slash_shows_only_names_that_hold_a_text(cli, top, name):
    for leaf in ("alpha", "beta"):
        cli.ok("allow", f"{name}/{leaf}")
    terminal = top(f"{name}/*")
    terminal.until("2 breakers")
    terminal.press("/bet")
    # The screen may be read before all of it is drawn.
    terminal.until(
        lambda text: "1 breakers" in text
        and "/bet" in text.splitlines()[-1]
        and "alpha" not in text
    )
    terminal.press("x\x7f\r")  # A slip that is taken back, and Enter.
    terminal.until('/ names with "bet" (Esc: all)')
    terminal.press("q")  # No letter of the text any more.
    assert terminal.end() == 0


def test_escape_shows_all_names_again(cli, top, name):
    for leaf in ("alpha", "beta"):
        cli.ok("allow", f"{name}/{leaf}")
    terminal = top(f"{name}/*")
    terminal.press("/bet")
    terminal.until("1 breakers")
    terminal.press("\x1b")
    terminal.until("2 breakers")


def test_it_fits_the_terminal_whatever_its_size(cli, top, name):
    long = f"{name}/" + "x" * 150
    cli.ok("allow", long)
    terminal = top(f"{name}/*", columns=100)
    # The name gives way to the numbers.
    terminal.until(lambda text: "..." in text and " CLOSED " in text and "- / 50.0%" in text)
    terminal.resize(270, 20)
    terminal.until(lambda text: long in text and text.splitlines()[19].startswith("q quit"))
    terminal.resize(30, 5)
    terminal.until(lambda text: text.splitlines()[4].startswith("q quit"))
    terminal.resize(10, 2)
    terminal.press("q")
    assert terminal.end() == 0


def test_colour_is_used_unless_no_color_is_set(cli, top, name):
    cli.trip(name)
    terminal = top(name)
    terminal.until("OPEN")
    assert b"\x1b[31m" in terminal.raw
    terminal = top(name, env={"NO_COLOR": "1"})
    terminal.until("OPEN")
    assert b"\x1b[31m" not in terminal.raw


def test_a_server_that_is_gone_is_said_and_what_was_seen_stays(start, cli_of, top, name):
    server = start()
    cli_of(server).ok("allow", name)
    terminal = top(name, server=server.address)
    terminal.until("CLOSED")
    server.stop()
    text = terminal.until("no answer for ")
    assert name in text
    terminal.press("q")
    assert terminal.end() == 0


def test_without_a_terminal_it_names_once(cli):
    result = cli("top")
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert "stdin and stdout are not both a terminal" in result.stderr
    assert "`fuseboxctl top --once` prints one look." in result.stderr


@pytest.mark.parametrize("kind", ["dumb", "no-such-terminal"])
def test_a_terminal_that_cannot_place_its_cursor_is_refused(top, kind):
    terminal = top(env={"TERM": kind})
    assert terminal.end() == USAGE
    text = "".join(terminal.screen.display)
    assert f"TERM={kind}, is unknown or cannot place its cursor" in text
    assert "top --once" in text


def test_once_needs_no_terminal_and_uses_one_for_colour(cli, name):
    cli.trip(name)
    assert "\x1b[31mOPEN\x1b[0m" in on_terminal(cli.address, "top", name, *ONCE, TERM="dumb")


def test_the_first_look_fails_before_anything_is_drawn(closed_port):
    result = run("top", "--server", f"127.0.0.1:{closed_port}")
    assert "no server answers" in result.stderr
    assert "\x1b" not in result.stdout
