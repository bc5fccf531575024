"""Retries cost budget, and the whole fleet has one."""

import concurrent.futures

import pytest
from api import FAILURE, SUCCESS, seconds
from fusebox.v1 import breaker_pb2 as pb
from timing import boottime

RETRY = 2

CONFIG = """
policies:
- name: default
  retry_budget: {retry_ratio: 0.5, min_retries_per_second: 0, window: 1m}
- name: shared
  match: [shared/*]
  shared_retry_budget: fleet
- name: reserve
  match: [reserve/*]
  retry_budget: {retry_ratio: 0, min_retries_per_second: 2, window: 1s}
retry_budgets:
- name: fleet
  settings: {retry_ratio: 0.1, min_retries_per_second: 0, window: 1m}
"""


@pytest.fixture
def process(start):
    return start(config=CONFIG)


@pytest.fixture
def api(process, connect):
    return connect(process)


def is_granted(api, name):
    answer = api.allow(name, attempt=RETRY)
    if answer.decision == pb.DECISION_ALLOWED:
        return True
    assert answer.reason == pb.REASON_RETRY_BUDGET
    assert seconds(answer.retry_after) > 0
    return False


def test_calls_that_succeed_earn_retries_and_no_more_than_that_are_granted(api, name):
    assert not is_granted(api, name)
    for _ in range(4):
        api.call(name, SUCCESS)
    assert [is_granted(api, name) for _ in range(4)] == [True, True, False, False]
    budget = api.get(name).retry_budget
    assert (budget.balance_millis, budget.spent, budget.refused) == (0, 2, 3)


def test_calls_that_fail_earn_nothing(api, name):
    for _ in range(4):
        api.call(name, FAILURE)
    assert not is_granted(api, name)


def test_first_attempts_cost_nothing(api, name):
    for attempt in (0, 1) * 10:
        assert api.allow(name, attempt=attempt).decision == pb.DECISION_ALLOWED


def test_breakers_that_share_a_budget_earn_and_spend_together(api):
    for _ in range(10):
        api.call("shared/a", SUCCESS)
    assert is_granted(api, "shared/b")
    assert not is_granted(api, "shared/a")
    assert api.get("shared/a").retry_budget.name == "fleet"


def test_many_clients_at_once_get_no_more_than_the_budget_holds(process, connect):
    apis = [connect(process) for _ in range(16)]
    apis[0].batch({"breaker": "shared/earner", "outcome": SUCCESS, "count": 250})
    names = [f"shared/{number % 4}" for number in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        ask = pool.map(lambda api, name: [is_granted(api, name) for _ in range(8)], apis, names)
        assert sum(granted for grants in ask for granted in grants) == 25


def test_the_reserve_comes_back_as_what_was_spent_ages_out(api):
    before = boottime()
    while is_granted(api, "reserve/a"):
        assert boottime() < before + 30, "the reserve never ends"
    while not is_granted(api, "reserve/a"):
        assert boottime() < before + 30, "the reserve never comes back"


def test_a_breaker_that_refuses_costs_no_budget(api, name):
    api.batch({"breaker": name, "outcome": SUCCESS, "count": 10})
    for _ in range(5):
        api.call(name, FAILURE)
    assert api.allow(name, attempt=RETRY).reason == pb.REASON_OPEN
    budget = api.get(name).retry_budget
    assert (budget.balance_millis, budget.spent, budget.refused) == (5000, 0, 0)
