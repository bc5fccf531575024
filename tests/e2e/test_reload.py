"""The configuration's file is read again, wholly or not at all."""

import os
import signal

import pytest
from api import error_of
from fusebox.v1 import admin_pb2, policy_pb2
from timing import PATIENCE_S, eventually

POLICY = """\
policies:
- name: {name}
  match: ["{name}/*"]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "fusebox.yaml"
    path.write_text(POLICY.format(name="first"))
    return path


def replace(file, text):
    """As editors and orchestrators do: another file under the same name."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


def policy_names(api):
    answer = api.admin.ListPolicies(admin_pb2.ListPoliciesRequest(), timeout=PATIENCE_S)
    return {policy.name for policy in answer.policies}


def test_a_file_that_changes_comes_into_force(start, connect, file):
    api = connect(start(f"--config={file}"))
    api.allow("second/x")
    replace(file, POLICY.format(name="second"))
    eventually(lambda: policy_names(api) == {"second", "default"}, "the second file")
    assert api.get("second/x").policy == "second"


def test_sighup_reads_it_at_once_and_keeps_counts(start, connect, file):
    server = start(f"--config={file}")
    api = connect(server)
    api.record("second/x", outcome=2)
    with open(file, "w", encoding="utf-8") as same_file:
        same_file.write(POLICY.format(name="second"))
    server.signal(signal.SIGHUP)
    eventually(lambda: policy_names(api) == {"second", "default"}, "the second file")
    assert api.get("second/x").consecutive_failures == 1


def test_a_bad_file_changes_nothing_and_says_where_it_is_wrong(start, connect, file):
    server = start(f"--config={file}")
    api = connect(server)
    replace(file, "policies:\n- name: second\n  match: [second/*]\n  circuit_braker: {}\n")
    eventually(lambda: api.info().config_error, "an error")
    assert f"{file}:4" in api.info().config_error
    assert "circuit_breaker" in api.info().config_error
    assert policy_names(api) == {"first", "default"}
    assert "fusebox_config_valid 0" in server.get("/metrics")[1]
    replace(file, POLICY.format(name="second"))
    eventually(lambda: not api.info().config_error, "no error")
    assert policy_names(api) == {"second", "default"}
    metrics = server.get("/metrics")[1]
    assert "fusebox_config_valid 1" in metrics and "fusebox_config_failures_total 1" in metrics
    server.stop()
    assert any("event=config_refused" in line and ":4" in line for line in server.log)


def test_a_file_that_takes_a_name_of_the_api_changes_nothing(start, connect, file):
    api = connect(start(f"--config={file}"))
    mine = policy_pb2.Policy(name="mine", match=["mine/*"])
    api.admin.CreatePolicy(admin_pb2.CreatePolicyRequest(policy=mine), timeout=PATIENCE_S)
    replace(file, POLICY.format(name="mine"))
    eventually(lambda: api.info().config_error, "an error")
    assert '"mine"' in api.info().config_error
    assert policy_names(api) == {"first", "mine", "default"}


def test_policies_of_the_file_are_read_only(start, connect, file):
    api = connect(start(f"--config={file}"))
    first = policy_pb2.Policy(name="first", match=["other/*"])
    request = admin_pb2.UpdatePolicyRequest(policy=first)
    error = error_of(lambda: api.admin.UpdatePolicy(request, timeout=PATIENCE_S))
    assert error.reason == "POLICY_READ_ONLY"
    request = admin_pb2.GetPolicyRequest(name="first")
    answer = api.admin.GetPolicy(request, timeout=PATIENCE_S)
    assert answer.policy.info.source == policy_pb2.SOURCE_FILE


def test_options_of_the_server_need_a_restart_and_that_is_said(start, connect, file):
    server = start(f"--config={file}")
    api = connect(server)
    replace(file, "server: {max_events: 5}\n" + POLICY.format(name="second"))
    eventually(lambda: "second" in policy_names(api), "the second file")
    server.stop()
    assert any("event=restart_needed" in line for line in server.log)
