"""What Prometheus reads: what an operator asks first, and nothing that can grow without end."""

import pathlib
import re

from api import FAILURE, error_of
from fusebox.v1 import breaker_pb2 as pb

ROOT = pathlib.Path(__file__).parents[2]
SAMPLE = re.compile(r"^(\w+(?:\{.*\})?) (\S+)$", re.MULTILINE)


def read(process):
    """All series of a page and their values."""
    status, page = process.get("/metrics")
    assert status == 200
    return {series: float(value) for series, value in SAMPLE.findall(page)}


def breakers(series):
    return [
        series[f'fusebox_breakers{{state="{state}"}}'] for state in ("closed", "open", "half_open")
    ]


def test_breakers_are_counted_by_state_whether_they_have_series_or_not(start, connect):
    process = start("--metrics-max-breakers=1")
    api = connect(process)
    assert breakers(read(process)) == [0, 0, 0]
    for name in ("a", "b", "c"):
        api.allow(name)
    for _ in range(5):
        api.call("c", FAILURE)
    assert breakers(read(process)) == [2, 1, 0]


def test_retries_are_counted_that_no_shared_budget_paid_for(start, connect, name):
    process = start(
        config="""
        policies:
        - name: default
          retry_budget: {retry_ratio: 0, min_retries_per_second: 1, window: 60s}
        """
    )
    api = connect(process)
    allowed = [api.allow(name, attempt=2).decision == pb.DECISION_ALLOWED for _ in range(61)]
    series = read(process)
    assert series["fusebox_private_retry_budgets_spent_total"] == sum(allowed) == 60
    assert series["fusebox_private_retry_budgets_refused_total"] == 1


def errors(series):
    """How many errors there were, by reason."""
    label = re.compile(r'fusebox_errors_total\{reason="(\w+)"\}')
    return {match[1]: value for key, value in series.items() if (match := label.fullmatch(key))}


def test_errors_are_counted_by_their_reason(start, connect):
    process = start()
    api = connect(process)
    assert set(errors(read(process)).values()) == {0}
    for bad in ("a//b", ""):
        assert error_of(lambda bad=bad: api.allow(bad)).reason == "BREAKER_NAME_INVALID"
    assert error_of(lambda: api.get("nobody")).reason == "BREAKER_NOT_FOUND"
    assert error_of(lambda: api.watch("a/**b")).reason == "GLOB_INVALID"
    counted = {reason: value for reason, value in errors(read(process)).items() if value}
    assert counted == {"BREAKER_NAME_INVALID": 2, "BREAKER_NOT_FOUND": 1, "GLOB_INVALID": 1}


# A reason that is new in the source and not in the list would be counted as "other".
def test_every_reason_in_the_source_has_a_series(server):
    folders = ("core", "proto/convert", "server/engine", "server/registry", "server/control")
    folders += ("server/errors", "server/identity", "server/rpc", "server/session")
    source = "".join(
        path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.cc"))
    )
    reasons = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    reasons |= set(re.findall(r'MakeError\(\s*absl::StatusCode::\w+,\s*"([A-Z_]+)"', source))
    # Those that are put together of a kind of resource and what is wrong with one.
    kinds, wrongs = {"POLICY", "RETRY_BUDGET"}, re.findall(r'prefix, "(_[A-Z_]+)"', source)
    reasons |= {kind + wrong for kind in kinds for wrong in wrongs}
    reasons |= {"TOO_MANY_POLICIES", "TOO_MANY_RETRY_BUDGETS"}
    reasons |= {"STORE_FAILED", "STORE_CORRUPT"}  # What a commit may end with.
    reasons -= kinds
    assert {"DRAINING", "PERMIT_INVALID", "RESULT_MISSING", "POLICY_NOT_FOUND"} <= reasons
    assert set(errors(read(server))) == reasons | {"other"}


def test_a_store_in_memory_is_not_said_to_be_durable(start):
    assert "fusebox_store_durable 1\n" in start().get("/metrics")[1]
    assert "fusebox_store" not in start("--store=memory").get("/metrics")[1]


def test_handshakes_that_fail_are_counted(server):
    assert "fusebox_http_handshake_failures_total 0\n" in server.get("/metrics")[1]
