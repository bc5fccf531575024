"""The rules for Prometheus: each alert has cases in which it fires and in which it does not, and a
runbook; and all that they ask for is what a real server tells a real Prometheus.
"""

import contextlib
import pathlib
import re
import subprocess

import pytest
import yaml
from api import FAILURE, SUCCESS, Api
from fusebox.v1 import admin_pb2, breaker_pb2
from prometheus_process import QuickPrometheus
from server_process import ServerProcess
from timing import PATIENCE_S

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
RULES = ROOT / "deploy/prometheus/fusebox.rules.yaml"
CASES = HERE / "fusebox.rules.test.yaml"
RUNBOOKS = ROOT / "docs/operations.md"

ALL = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in ALL if "alert" in rule}
RECORDINGS = [rule["record"] for rule in ALL if "record" in rule]
OF_CERTIFICATES = ("fusebox_certificate_not_after_seconds", "fusebox_reload_failing")
METRIC = re.compile(r"\b((?:fusebox|grpc_server|process)_\w+)")


def metrics_of(rules):
    return sorted({name for rule in rules for name in METRIC.findall(rule["expr"])})


def cases_of(alert):
    cases = yaml.safe_load(CASES.read_text())["tests"]
    checks = [check for case in cases for check in case.get("alert_rule_test", [])]
    return [check["exp_alerts"] for check in checks if check["alertname"] == alert]


def test_the_cases_hold():
    ran = subprocess.run(
        ["promtool", "test", "rules", CASES], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_cases_in_which_it_fires_and_in_which_it_does_not(alert):
    assert any(cases_of(alert))
    assert not all(cases_of(alert))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_where_it_says_what_to_do(alert):
    annotations = ALERTS[alert]["annotations"]
    assert annotations["summary"] and annotations["description"]
    page, anchor = annotations["runbook_url"].split("#")
    assert page.endswith("/docs/operations.md") and anchor == alert.lower()
    assert f"\n### {alert}\n" in RUNBOOKS.read_text()
    assert ALERTS[alert]["labels"]["severity"] in ("page", "ticket")


def test_every_runbook_is_of_an_alert():
    assert re.findall(r"^### (\w+)$", RUNBOOKS.read_text(), re.MULTILINE) == list(ALERTS)


@pytest.fixture(scope="module")
def tls_flags(tmp_path_factory):
    """The flags of a server with a certificate."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        + ["-subj", "/CN=localhost", "-out", certificate, "-keyout", key],
        capture_output=True,
        check=True,
    )
    return [f"--tls-cert={certificate}", f"--tls-key={key}"]


def impose(api, match, mode):
    api.admin.OverrideBreaker(
        admin_pb2.OverrideBreakerRequest(match=match, mode=mode, reason="to let calls pass"),
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """One that scrapes a server with breakers that opened, one of which refuses calls, and a shared
    budget.
    """
    config = tmp_path_factory.mktemp("config") / "fusebox.yaml"
    config.write_text(
        "retry_budgets: [{name: shared, settings: {retry_ratio: 0.1}}]\n"
        "policies:\n"
        "- {name: db, match: ['db/**'], shared_retry_budget: shared,\n"
        "   circuit_breaker: &long {open_duration: 1h, max_open_duration: 1h}}\n"
        "- {name: new, match: ['new/**'], circuit_breaker: *long}\n"
    )
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProcess(f"--config={config}"))
        api = stack.enter_context(Api(server.address))
        api.call("mail/smtp", SUCCESS)
        for name in ("db/orders", "new/mail", "new/search"):
            for _ in range(5):
                api.call(name, FAILURE)
        api.force_open("db/orders", "to look at it")
        impose(api, "new/mail", breaker_pb2.OVERRIDE_MODE_FORCED_CLOSED)
        impose(api, "new/s*", breaker_pb2.OVERRIDE_MODE_SHADOW)
        yield stack.enter_context(QuickPrometheus(RULES, server.http))


@pytest.mark.parametrize("name", metrics_of(ALL))
def test_what_a_rule_asks_for_is_there(name, prometheus, request):
    if name in OF_CERTIFICATES:
        with ServerProcess(*request.getfixturevalue("tls_flags")) as server:
            assert re.search(rf"^{name}[ {{]", server.get("/metrics")[1], re.MULTILINE)
        return
    prometheus.wait_for(name)


def test_it_finds_nothing_wrong_with_the_rules(prometheus):
    prometheus.wait_for("fusebox_build_info")
    found = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert sorted(rule["name"] for rule in found) == sorted([*RECORDINGS, *ALERTS])
    assert [rule["lastError"] for rule in found if "lastError" in rule] == []


def test_an_open_breaker_that_refuses_is_an_alert_that_waits_for_its_time(prometheus):
    prometheus.wait_for('fusebox_breaker_state{breaker="new/search", state="open"} == 1')
    alert = 'ALERTS{alertname="FuseboxBreakerOpen"}'
    [found] = prometheus.wait_for(alert)
    assert found["metric"]["breaker"] == "db/orders"
    assert found["metric"]["alertstate"] == "pending"


def test_breakers_whose_calls_pass_are_not_counted_as_refusing(prometheus):
    prometheus.wait_for('fusebox_breakers{state="open"} == 3')
    prometheus.wait_for("fusebox:breakers_refusing:sum == 1")
