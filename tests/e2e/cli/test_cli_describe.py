"""fuseboxctl describe."""

import re

from cli_driver import NOT_FOUND
from fusebox.v1 import admin_pb2, policy_pb2


def lines(text):
    return [line.rstrip() for line in text.splitlines()]


def find(text, label):
    """What stands behind a label at the beginning of a line."""
    return re.search(rf"^\s*{re.escape(label)}  +(.*)$", text, re.MULTILINE)[1]


def test_describe_says_why_it_is_open_and_until_when(cli, name):
    for _ in range(5):
        cli.ok("record", name, "--outcome", "FAILURE", "--client", "shop-7")
    text = cli.ok("describe", name)
    assert find(text, "Breaker") == name
    assert re.fullmatch(r"OPEN for [0-9.]+m?s", find(text, "State"))
    assert find(text, "Because") == "5 calls failed in a row"
    assert find(text, "Failing then") == "shop-7"
    assert re.match(r"in [0-9.]+s, at \d{4}-", find(text, "Next probe"))
    assert find(text, "Override") == "none"
    assert find(text, "Health") == "UNHEALTHY"
    assert "CLOSED -> OPEN: 5 calls failed in a row" in text


def test_describe_says_of_a_half_open_one_why_it_had_opened(start, cli_of):
    server = start(config="policies: [{name: default, circuit_breaker: {open_duration: 100ms}}]")
    cli = cli_of(server)
    for _ in range(5):
        cli.ok("record", "db/orders", "--outcome", "FAILURE", "--client", "shop-7")
    cli.ok("wait", "db/orders", "--for", "half-open")
    text = cli.ok("describe", "db/orders")
    assert find(text, "State").startswith("HALF_OPEN")
    assert find(text, "Because") == "the wait was over"
    assert find(text, "It had opened") == "5 calls failed in a row"
    assert find(text, "Failing then") == "shop-7"


def test_describe_says_that_the_server_restarted_while_it_was_half_open(start, cli_of, tmp_path):
    config = "policies: [{name: default, circuit_breaker: {open_duration: 100ms}}]"
    flags = [f"--data-dir={tmp_path / 'data'}"]
    server = start(*flags, config=config)
    cli_of(server).trip("db/orders")
    cli_of(server).ok("wait", "db/orders", "--for", "half-open")
    server.stop()
    text = cli_of(start(*flags, config=config)).ok("describe", "db/orders")
    assert find(text, "State").startswith("OPEN")
    assert find(text, "Because") == "the server restarted while it was half-open"


def test_describe_compares_what_is_with_what_opens_it(cli, name):
    for outcome in ("SUCCESS", "FAILURE"):
        cli.ok("record", name, "--outcome", outcome)
    text = cli.ok("describe", name)
    assert find(text, "State") == "CLOSED ever since it exists"
    assert find(text, "Opens at") == "of the last 10s"
    assert find(text, "failures in a row") == "1, limit 5"
    assert find(text, "failed") == "50.0% of 2 calls, limit 50.0% of at least 20"
    assert find(text, "slow") == "0.0% of 2 calls, off"
    assert lines(text)[-1].split(maxsplit=1) == [
        "History",
        "nothing happened to it, as far back as is kept",
    ]


def test_describe_says_how_likely_a_retry_succeeds(cli, name):
    cli.ok("record", name, "--outcome", "FAILURE")
    before = find(cli.ok("describe", name), "Retries")
    assert re.fullmatch(r"[0-9.]+% would succeed, of whatever kind, as far as is known", before)
    again = cli.json("allow", name, "--attempt", "2", "--previous-outcome", "FAILURE")
    cli.ok("record", name, "--permit", again["permit"], "--outcome", "SUCCESS")
    cli.ok("record", name, "--outcome", "FAILURE")  # As a first attempt then would have.
    text = cli.ok("describe", name)
    assert find(text, "Retries") == "would succeed, as far as is known"
    seen, unseen = (find(text, f"after {kind}, attempt 2") for kind in ("FAILURE", "TIMEOUT"))
    assert float(seen.removesuffix("%")) > float(unseen.removesuffix("%"))


def test_describe_names_the_policy_and_the_glob_that_matched(cli, word):
    cli.ok("allow", f"{word}/a")
    default = find(cli.ok("describe", f"{word}/a"), "Policy")
    assert re.fullmatch(r"default \(BUILT_IN\), which rules what no other does", default)
    cli.ok("apply", "-f", "-", stdin=f"policies: [{{name: {word}, match: ['{word}/**', x-{word}]}}]")
    assert find(cli.ok("describe", f"{word}/a"), "Policy") == f"{word} (API), matched by {word}/**"


def test_describe_shows_what_is_imposed(cli, name):
    cli.ok("allow", name)
    cli.ok("override", name, "--mode", "shadow", "--reason", "a new policy", "--actor", "ann")
    text = cli.ok("describe", name)
    assert find(text, "Override") == "SHADOW by ann: a new policy"
    assert "SHADOW: ann overrode it: a new policy" in text


def test_describe_shows_as_much_history_as_is_asked_for(cli, name):
    for _ in range(3):
        cli.trip(name)
        cli.ok("reset", name, "--reason", "why")
    assert cli.ok("describe", name).count("->") == 6
    assert cli.ok("describe", name, "--history", "2").count("->") == 2


def test_describe_in_json_holds_breaker_policy_and_history(cli, name):
    cli.trip(name)
    shown = cli.json("describe", name)
    assert shown["breaker"]["name"] == name
    assert shown["policy"]["name"] == "default"
    assert [one["breaker"] for one in shown["transitions"]] == [name]
    assert cli.ok("describe", name, "-o", "name") == f"{name}\n"


def test_describe_of_a_breaker_that_is_not_there_prints_the_servers_reason(cli, name):
    result = cli("describe", name)
    assert (result.returncode, result.stdout) == (NOT_FOUND, "")
    assert "\n  reason: BREAKER_NOT_FOUND\n" in result.stderr


def test_describe_reads_on_where_a_page_is_empty(stand_in):
    pages = {"": ([], "second"), "second": ([3, 2], "third"), "third": ([1], "fourth")}

    def history(request, _):
        numbers, token = pages[request.page_token]
        return admin_pb2.ListTransitionsResponse(
            transitions=[
                admin_pb2.Transition(number=number, cause=admin_pb2.CAUSE_WAIT_OVER)
                for number in numbers
            ],
            next_page_token=token,
        )

    cli = stand_in(
        GetBreaker=lambda request, _: admin_pb2.GetBreakerResponse(
            breaker=admin_pb2.Breaker(name=request.name, policy="default")
        ),
        GetPolicy=lambda request, _: admin_pb2.GetPolicyResponse(
            policy=policy_pb2.Policy(name=request.name)
        ),
        ListTransitions=history,
    )
    shown = cli.json("describe", "a/b", "--history", "3")["transitions"]
    assert [one["number"] for one in shown] == ["3", "2", "1"]
    shown = cli.json("describe", "a/b", "--history", "1")["transitions"]
    assert [one["number"] for one in shown] == ["3"]
    assert "Nothing happened" not in cli.ok("describe", "a/b", "--history", "1")
