"""The page of one breaker: why it opened, and what may be done about it."""

import hashlib
import json
import re

import pytest
from api import FAILURE, SUCCESS, Api
from fusebox.v1.breaker_pb2 import STATE_CLOSED, AllowRequest
from server_process import ServerProcess
from timing import eventually

NAME = "payments.v1.ChargeService/Charge"
CONFIG = """
    policies:
    - name: payments
      match: ["payments.v1.*/**"]
      circuit_breaker: {consecutive_failures: 0, failure_rate_threshold: 0.3, minimum_calls: 10,
                        min_failing_clients: 2, open_duration: 1h, max_open_duration: 1h}
"""
TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def opened(start, connect):
    """A server with a breaker that two clients made open."""
    server = start(config=CONFIG)
    one, two = connect(server, client="web-1"), connect(server, client="web-2")
    for _ in range(7):
        one.call(NAME, SUCCESS)
    one.call(NAME, FAILURE)
    two.call(NAME, FAILURE)
    two.call(NAME, FAILURE)
    return server


@pytest.fixture
def guarded(tmp_path):
    """A server whose changes take a token, with one breaker."""
    identities = tmp_path / "identities.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    identities.write_text(
        f"identities:\n- name: ada\n  token_sha256: ['{digest}']\n"
        "  grants: [{role: OPERATOR, match: ['db/**']}]\n"
    )
    with ServerProcess(f"--identities={identities}") as server:
        metadata = [("authorization", f"Bearer {TOKEN}")]
        with Api(server.address) as api:
            api.breakers.Allow(AllowRequest(breaker="db/orders"), metadata=metadata)
        yield server


def give_token(browser, value):
    browser.one("#token-button").click()
    browser.fill("#token-input", value)
    browser.one("#token-dialog button[value=keep]").click()


def test_it_says_why_it_opened(opened, open_page):
    browser = open_page(opened, f"/breaker?name={NAME}")
    why = browser.wait_for(lambda: browser.text(".why"), "it says why")
    assert "3 of 10 calls failed (30 %)" in why
    assert "web-1" in why
    assert "web-2" in why
    page = browser.text("main")
    assert "OPEN for" in page
    assert re.search(r"probes in (1 h|59 min)", page)
    assert "payments, matched by payments.v1.*/**" in page
    assert "CLOSED → OPEN" in page
    assert browser.all(".strip rect[data-state=OPEN]")
    assert browser.complaints() == []


def test_it_shows_one_that_only_fails(start, connect, open_page):
    server = start()
    api = connect(server, client="web-1")
    for _ in range(4):
        api.record("db/orders", outcome=FAILURE)
    browser = open_page(server, "/breaker?name=db/orders")
    browser.wait_for(lambda: "score 0.00" in browser.text("main"), "it shows how it is")
    assert "4 calls, 4 failed (100 %)" in browser.text("main")
    assert browser.complaints() == []


def test_a_short_outage_that_is_over_is_seen(start, connect, open_page):
    server = start(config="policies: [{name: default, circuit_breaker: {open_duration: 50ms}}]")
    api = connect(server, client="web-1")
    for _ in range(5):
        api.record("db/orders", outcome=FAILURE)
    for _ in range(2):
        answer = eventually(lambda: (one := api.allow("db/orders")).probe and one, "a probe")
        api.record("db/orders", answer, SUCCESS)
    eventually(lambda: api.get("db/orders").state == STATE_CLOSED, "it is closed")
    browser = open_page(server, "/breaker?name=db/orders")
    browser.wait_for(lambda: browser.all(".strip rect"), "there is a strip")
    states = [bar.get_attribute("data-state") for bar in browser.all(".strip rect")]
    assert states == ["UNKNOWN", "CLOSED", "OPEN", "HALF OPEN"], "the short ones are drawn last"
    for bar in browser.all(".strip rect[data-state=OPEN]"):
        assert float(bar.get_attribute("width")) >= 4


def test_names_with_dots_lead_to_their_own_page(start, connect, open_page):
    server = start()
    connect(server).allow("x/../payments")
    browser = open_page(server)
    browser.wait_for(lambda: browser.cells("x/../payments"), "it is there")
    browser.one("tbody a").click()
    browser.wait_for(lambda: browser.text("h1") == "x/../payments", "its page is open")
    browser.wait_for(lambda: "CLOSED" in browser.text(".standing"), "it is the right one")


def test_enter_uses_the_token(guarded, browser):
    browser.open(f"http://{guarded.http}/")
    browser.wait_for(lambda: "wants a token first" in browser.text(".note"), "it says so")
    browser.one("#token-button").click()
    browser.one("#token-input").send_keys(TOKEN + "\ue007")
    browser.wait_for(lambda: browser.cells("db/orders"), "it shows what there is")


def test_its_twin_says_the_same(opened):
    status, body = opened.get(f"/json/breaker?name={NAME}")
    assert status == 200
    page = json.loads(body)
    assert page["breaker"]["state"] == "STATE_OPEN"
    assert page["policy"]["circuitBreaker"]["failureRateThreshold"] == 0.3
    assert page["transitions"][0]["cause"] == "CAUSE_FAILURE_RATE"
    assert page["transitions"][0]["window"]["failureRate"] == 0.3


def test_it_says_if_there_is_none(server, browser):
    browser.open(f"http://{server.http}/breaker?name=nobody/knows")
    browser.wait_for(lambda: "There is no such breaker" in browser.text(".note"), "it says so")


def test_without_identities_it_changes_nothing(opened, open_page):
    browser = open_page(opened, f"/breaker?name={NAME}")
    browser.wait_for(lambda: "start the server with --identities" in browser.text(".actions"), "")
    assert not browser.all(".actions form")


def test_it_wants_a_token_before_it_shows_anything(guarded, browser):
    browser.open(f"http://{guarded.http}/")
    browser.wait_for(lambda: "wants a token first" in browser.text(".note"), "it says so")
    assert guarded.get("/json/breakers")[0] == 401
    give_token(browser, "wrong")
    browser.wait_for(lambda: "does not let you" in browser.text(".note"), "it says so")
    give_token(browser, TOKEN)
    browser.wait_for(lambda: browser.cells("db/orders"), "it shows what there is")


def test_who_has_a_token_overrides_and_clears(guarded, browser):
    browser.open(f"http://{guarded.http}/breaker?name=db/orders")
    browser.wait_for(lambda: browser.text("#connection") == "Without a token", "refused")
    give_token(browser, TOKEN)
    browser.wait_for(lambda: browser.all("form[aria-label=Override]"), "there is a form")
    browser.choose("form[aria-label=Override] [name=mode]", "OVERRIDE_MODE_FORCED_OPEN")
    browser.fill("form[aria-label=Override] [name=reason]", "a drill <b>today</b>")
    browser.one("form[aria-label=Override] button").click()
    said = browser.wait_for(lambda: browser.text(".override"), "it is imposed")
    assert said.startswith("Override: FORCED OPEN by ada: a drill <b>today</b>, ")
    assert "15 min" in said or "14 min" in said
    form = "form[aria-label='Clear the override']"
    browser.wait_for(lambda: browser.all(form), "it can be cleared")
    browser.fill(f"{form} [name=reason]", "done")
    browser.one(f"{form} button").click()
    browser.wait_for(lambda: not browser.text(".override"), "it is cleared")
    assert "the override was taken back, by ada: done" in browser.text("main")


def test_the_server_refuses_changes_without_the_token(guarded):
    request = json.dumps({"match": "db/orders", "mode": 1, "reason": "none of yours"})
    path = "/fusebox.v1.AdminService/OverrideBreaker"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        status, body = guarded.post(path, request, headers)
        assert status == 401, body
    status, body = guarded.post(
        path, request, {"Authorization": f"Bearer {TOKEN}", "Origin": "http://elsewhere.example"}
    )
    assert status == 403, body
