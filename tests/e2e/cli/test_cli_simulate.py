"""fuseboxctl simulate: what policies would have made of recorded calls. No server is asked."""

import json
import os
import pathlib

import pytest
from cli_driver import USAGE, fields, run

ROOT = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = pathlib.Path("tests/e2e/cli/simulate")
TEXTBOOK, QUORUM = GOLDEN / "textbook.yaml", GOLDEN / "quorum.yaml"
TRACES = pathlib.Path("deploy/demo/traces")

HEADER = "time,client,outcome,latency\n"
# The default policy opens at the fifth failure; of what follows one fails and two do not.
OUTAGE = HEADER + "".join(f"{i},a,503,0.1\n" for i in range(6)) + "7,a,OK,\n8,b,SUCCESS,20ms\n"


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch):
    """Paths are shown as they are given, and read better from here."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def policy(tmp_path):
    """The path of a file with this text."""

    def write(text="policies: [{name: default}]", name="policy.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def simulate(*args, stdin="", **env):
    return run("simulate", *map(str, args), stdin=stdin, **env)


def tried(policy_path, trace=OUTAGE, *args):
    """What came of one policy."""
    result = simulate("--policy", policy_path, "--trace", "-", "-o", "json", *args, stdin=trace)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    return report | report["policies"][0]


def complaint(*args, stdin=""):
    result = simulate(*args, stdin=stdin)
    assert (result.returncode, result.stdout) == (USAGE, "")
    return result.stderr


@pytest.mark.parametrize("name", ["outage", "brownout"])
def test_two_policies_stand_side_by_side(name):
    result = simulate(
        "--policy", TEXTBOOK, "--policy", QUORUM, "--breaker", "shop/checkout",
        "--trace", TRACES / f"{name}.csv",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (GOLDEN / f"{name}.txt").read_text()


def test_two_policies_see_the_same_as_each_alone():
    trace = TRACES / "brownout.csv"
    both = simulate("--policy", f"{TEXTBOOK},{QUORUM}", "--trace", trace, "-o", "json")
    alone = [
        simulate("--policy", one, "--trace", trace, "-o", "json") for one in (TEXTBOOK, QUORUM)
    ]
    expected = [json.loads(one.stdout)["policies"][0] for one in alone]
    assert json.loads(both.stdout)["policies"] == expected


def test_json_has_every_number(policy):
    trial = tried(policy())
    assert trial["breaker"] == "trace"
    assert (trial["calls"], trial["failures"], trial["successes"]) == ("8", "6", "2")
    assert (trial["refused"], trial["failuresSpared"], trial["successesLost"]) == ("3", "1", "2")
    assert trial["refusedFor"] == [
        {"reason": "REASON_OPEN", "calls": "3", "failures": "1", "successes": "2"}
    ]
    assert (trial["state"], trial["opened"], trial["open"]) == ("STATE_OPEN", "1", "3.900s")
    (told,) = trial["transitions"]
    assert told["time"] == "4.100s"
    assert told["transition"]["cause"] == "CAUSE_CONSECUTIVE_FAILURES"


def test_a_table_is_for_one_policy_too(policy):
    result = simulate("--policy", policy(), "--trace", "-", stdin=OUTAGE)
    numbers = fields(result.stdout.split("\n\n")[0])
    assert numbers["Refused"] == "3 of 8 (37.5%)"
    assert numbers["At the end"] == "OPEN"
    moment = "  4.100s         CLOSED -> OPEN for 30s: 5 calls failed in a row\n"
    assert result.stdout.endswith(moment)


def test_the_only_policy_of_a_file_is_tried_whatever_it_matches(policy):
    draft = policy("policies: [{name: draft, match: [a], circuit_breaker: {open_duration: 1s}}]")
    assert tried(draft)["policy"] == "draft"


SEVERAL = "policies: [{name: a, match: [db/**]}, {name: b, match: [db/orders]}]"


def test_of_several_policies_the_one_for_the_breaker_is_tried(policy):
    path = policy(SEVERAL)
    assert tried(path, OUTAGE, "--breaker", "db/orders")["policy"] == "b"
    assert tried(path, OUTAGE, "--breaker", "db/carts")["policy"] == "a"
    named = "time,client,outcome,latency,breaker\n1,a,OK,,db/orders\n"
    assert tried(path, named)["policy"] == "b"


def test_it_says_when_no_policy_is_for_the_breaker(policy):
    result = simulate("--policy", policy(SEVERAL), "--trace", "-", stdin=OUTAGE)
    assert result.returncode == 0
    assert "has no policy for trace, so that the built-in default rules it; --breaker" in result.stderr


def test_a_trace_of_several_breakers_is_taken_as_one_only_if_told_so(policy):
    trace = "time,client,outcome,latency,breaker\n1,a,OK,,db/a\n2,a,OK,,db/b\n"
    assert complaint("--policy", policy(), "--trace", "-", stdin=trace) == (
        'fuseboxctl: stdin:3: column "breaker" is "db/b", and the trace began with "db/a"; give the '
        "calls of one, or --breaker to take all as those of one\n"
    )
    assert tried(policy(), trace, "--breaker", "db/a")["calls"] == "2"


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("", "stdin:1: there is no header; begin with a line like time,client,outcome,latency"),
        (HEADER, "stdin holds no call; write one a line behind the header, like "),
        (HEADER + "1,a,FINE,1\n", 'stdin:2: column "outcome" is "FINE"; write SUCCESS, FAILURE, '),
        (
            HEADER + "1700000000.123,a,OK,1\n1700000000.122,a,OK,1\n",
            'stdin:3: column "time" is "1700000000.122", and a line before it has "1700000000.123"',
        ),
    ],
)
def test_a_bad_trace_is_refused_with_line_column_value_and_remedy(policy, trace, expected):
    said = complaint("--policy", policy(), "--trace", "-", stdin=trace)
    assert said.startswith(f"fuseboxctl: {expected}")


def test_a_bad_policy_is_refused_with_its_line(policy):
    bad = policy("policies:\n- name: a\n  match: [a]\n  circuit_breaker: {jitter: 3}\n")
    said = complaint("--policy", bad, "--trace", "-", stdin=OUTAGE)
    assert said.startswith(f"fuseboxctl: {bad}:4: policies[0].circuit_breaker.jitter is 3; ")


@pytest.mark.parametrize(
    "text",
    [
        "policies: [{name: a, match: [a], circuit_breaker: {jitter: 3}}]",
        "policies: [{name: a, match: [a], shared_retry_budget: none}]",
        "polices: []",
    ],
)
def test_policies_are_checked_before_the_trace_is_read(policy, tmp_path, text):
    """A pipe that nobody writes to: to open it would hang."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    bad = policy(text)
    assert complaint("--policy", bad, "--trace", pipe).startswith(f"fuseboxctl: {bad}:")


def test_of_several_policies_one_is_chosen_before_the_trace_is_read_if_the_breaker_is_named(
    policy, tmp_path
):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    several = policy("policies: [{name: a, match: [a], shared_retry_budget: x}, {name: default}]")
    said = complaint("--policy", several, "--trace", pipe, "--breaker", "a")
    assert said.startswith(f'fuseboxctl: {several}: policy "a" shares the retry budget "x", ')


def test_a_policy_may_come_from_stdin(policy, tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text(OUTAGE)
    result = simulate(
        "--policy", "-", "--policy", policy(), "--trace", trace, "-o", "json",
        stdin="policies: [{name: draft, match: [a]}]",
    )
    assert result.returncode == 0, result.stderr
    tried_policies = json.loads(result.stdout)["policies"]
    assert [(one["file"], one["policy"]) for one in tried_policies] == [
        ("stdin", "draft"), (str(policy()), "default"),
    ]


def test_stdin_is_read_once(policy):
    remedy = "and it can be read once; give a file for each but one\n"
    assert complaint("--policy", "-", "--policy", policy(), "--trace", "-") == (
        f'fuseboxctl: --trace and --policy name stdin, "-", 2 times, {remedy}'
    )
    assert complaint("--policy", "-,-", "--trace", "deploy/demo/traces/outage.csv") == (
        f'fuseboxctl: --policy names stdin, "-", 2 times, {remedy}'
    )
    assert complaint("--policy", "-", "--policy", "-", "--trace", "-") == (
        f'fuseboxctl: --trace and --policy name stdin, "-", 3 times, {remedy}'
    )


def test_files_that_cannot_be_read_are_named(policy, tmp_path):
    missing = tmp_path / "none"
    expected = f'fuseboxctl: cannot read "{missing}"'
    assert complaint("--policy", policy(), "--trace", missing).startswith(expected)
    assert complaint("--policy", missing, "--trace", "-", stdin=OUTAGE).startswith(expected)
    said = complaint("--policy", policy(), "--trace", tmp_path)
    assert said.startswith(f"fuseboxctl: {tmp_path} cannot be read")


def test_a_breaker_has_a_name_as_any_other(policy):
    said = complaint("--policy", policy(), "--trace", "-", "--breaker", "a b", stdin=OUTAGE)
    assert said.startswith('fuseboxctl: breaker "a b" contains " "; ')


def test_flags_may_be_variables(policy):
    path = str(policy())
    result = simulate(
        "--trace", "-", stdin=OUTAGE, FUSEBOX_SIMULATE_POLICY=path,
        FUSEBOX_SIMULATE_BREAKER="db/orders",
    )
    assert result.returncode == 0, result.stderr
    assert fields(result.stdout.split("\n\n")[0])["Breaker"] == "db/orders"
