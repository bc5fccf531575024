"""What the file says about breakers is what rules them."""

import pytest
from api import FAILURE, SUCCESS, seconds
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb

CONFIG = """
policies:
- name: payments
  match: [payments.v1.*/**]
  circuit_breaker:
    consecutive_failures: 1
    open_duration: 1m
- name: charge
  match: [payments.v1.ChargeService/*]
  circuit_breaker:
    consecutive_failures: 2
    open_duration: 2m
- name: rates
  match: [rates/*]
  circuit_breaker:
    consecutive_failures: 0
    failure_rate_threshold: 0.3
    minimum_calls: 10
    window_calls: 10
- name: slow
  match: [slow/*]
  circuit_breaker:
    slow_call_rate_threshold: 0.5
    slow_call_duration_threshold: 100ms
    minimum_calls: 4
- name: search
  match: [search/*]
  circuit_breaker:
    consecutive_failures: 1
  classification:
    grpc: {NOT_FOUND: FAILURE}
    http: {"404": FAILURE, 5xx: IGNORED}
- name: patient
  match: [patient/*]
  circuit_breaker:
    honor_retry_after: true
"""


@pytest.fixture
def api(start, connect):
    return connect(start(config=CONFIG))


def test_the_most_specific_policy_rules_and_the_default_the_rest(api):
    ruled = {
        "payments.v1.ChargeService/Charge": "charge",
        "payments.v1.RefundService/Refund": "payments",
        "payments.v1.RefundService/Refund/eu": "payments",
        "payments.v2.ChargeService/Charge": "default",
        "rates/of/exchange": "default",
    }
    for name in ruled:
        api.allow(name)
    assert {name: api.get(name).policy for name in ruled} == ruled
    assert api.info().policies == 7


def test_one_policy_rules_whole(api):
    name = "payments.v1.ChargeService/Charge"
    assert api.call(name, FAILURE).state == pb.STATE_CLOSED
    assert api.call(name, FAILURE).state == pb.STATE_OPEN
    assert seconds(api.get(name).last_transition.open_for) == 120


def test_a_failure_rate_opens_at_the_threshold_and_not_before(api):
    for outcome in [SUCCESS] * 7 + [FAILURE] * 2:
        assert api.call("rates/usd", outcome).state == pb.STATE_CLOSED
    assert api.call("rates/usd", FAILURE).state == pb.STATE_OPEN
    assert api.get("rates/usd").last_transition.cause == admin_pb2.CAUSE_FAILURE_RATE


def test_slow_calls_open_it_though_they_succeed(api):
    for milliseconds in (99, 100, 50, 150):
        answer = api.allow("slow/report")
        record = pb.RecordRequest(breaker="slow/report", permit=answer.permit, outcome=SUCCESS)
        record.latency.FromMilliseconds(milliseconds)
        state = api.breakers.Record(record, timeout=30).state
    assert state == pb.STATE_OPEN
    assert api.get("slow/report").last_transition.cause == admin_pb2.CAUSE_SLOW_CALL_RATE


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"grpc_code": 0}, pb.OUTCOME_SUCCESS),
        ({"grpc_code": 5}, pb.OUTCOME_FAILURE),
        ({"grpc_code": 3}, pb.OUTCOME_CALLER_ERROR),
        ({"http_status": 404}, pb.OUTCOME_FAILURE),
        ({"http_status": 403}, pb.OUTCOME_CALLER_ERROR),
        ({"http_status": 503}, pb.OUTCOME_IGNORED),
    ],
    ids=str,
)
def test_the_policy_says_which_outcome_a_code_is(api, result, outcome):
    assert api.record("search/index", **result).outcome == outcome


def test_a_retry_after_of_the_dependency_sets_the_wait(api):
    record = pb.RecordRequest(breaker="patient/api", outcome=pb.OUTCOME_RATE_LIMITED)
    record.retry_after.FromSeconds(77)
    assert api.breakers.Record(record, timeout=30).state == pb.STATE_OPEN
    last = api.get("patient/api").last_transition
    assert (last.cause, seconds(last.open_for)) == (admin_pb2.CAUSE_RETRY_AFTER, 77)
