"""The status page with nothing, with some and with very many breakers."""

import os
import time

import pytest
from api import FAILURE, SUCCESS, Api
from server_process import ServerProcess

FAST = """
    policies:
    - name: default
      circuit_breaker: {open_duration: 1500ms, success_threshold: 1}
"""
MANY = 20_000
FIRST_ANSWER_MS = int(os.environ["FUSEBOX_FIRST_ANSWER_MS"])


def fill(api, count):
    names = [f"team{i % 50}/service{i:05}" for i in range(count)]
    for at in range(0, count, 5_000):
        api.batch(*({"breaker": name, "outcome": SUCCESS} for name in names[at : at + 5_000]))
    return names


def trip(api, name):
    for _ in range(5):
        api.record(name, outcome=FAILURE)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A server with very many breakers, of which two are open."""
    with ServerProcess() as server, Api(server.address, client="web-1") as api:
        names = fill(api, MANY)
        trip(api, names[7])
        trip(api, names[12_345])
        yield server, names


def test_it_says_that_there_are_none(start, open_page):
    browser = open_page(start())
    browser.wait_for(lambda: "There is no breaker yet" in browser.text(".note"), "it says so")
    assert browser.text(".summary").startswith("0 breakers")
    assert browser.complaints() == []


def test_the_worst_come_first(start, connect, open_page):
    server = start()
    api = connect(server, client="web-1")
    names = fill(api, 30)
    trip(api, names[20])
    api.force_open(names[25], "a drill")
    browser = open_page(server)
    browser.wait_for(lambda: len(browser.all("tbody a")) == 30, "all are there")
    shown = [link.text for link in browser.all("tbody a")]
    assert shown == [names[20], names[25], *sorted(set(names) - {names[20], names[25]})]
    assert browser.cells(names[20])[1] == "■ OPEN"
    assert browser.cells(names[25])[1] == "● CLOSED"
    assert "FORCED OPEN" in browser.cells(names[25])[8]
    assert "a drill" in browser.cells(names[25])[8]
    assert browser.text(".summary") == "30 breakers: 1 open, 0 half-open, 1 overridden"


def test_it_follows_a_trip_and_a_recovery(start, connect, open_page):
    server = start(config=FAST)
    api = connect(server, client="web-1")
    fill(api, 3)
    name = "team1/service00001"
    browser = open_page(server)
    browser.wait_for(lambda: browser.cells(name), "it is there")

    def seconds_until(state):
        began = time.monotonic()
        browser.wait_for(lambda: browser.cells(name)[1].endswith(state), f"it is {state}")
        return time.monotonic() - began

    trip(api, name)
    assert seconds_until("OPEN") < 2
    seconds_until("HALF OPEN")
    api.call(name, SUCCESS)
    assert seconds_until("CLOSED") < 2
    assert browser.complaints() == []


def test_very_many_are_there_at_once(crowd, open_page):
    server, names = crowd
    browser = open_page(server)
    browser.wait_for(lambda: browser.text(".summary").startswith("20000 breakers"), "they are there")
    assert browser.first_answer_ms() < FIRST_ANSWER_MS
    assert [link.text for link in browser.all("tbody a")[:2]] == sorted([names[7], names[12_345]])
    assert len(browser.all("tbody tr")) < 150, "rows out of sight are not there"


def test_it_scrolls_through_very_many(crowd, open_page):
    server, names = crowd
    browser = open_page(server)
    browser.wait_for(lambda: browser.cells(names[7]), "they are there")
    last = max(names)
    began = time.monotonic()
    browser.run("const box = document.querySelector('.scroller'); box.scrollTop = box.scrollHeight")
    browser.wait_for(lambda: browser.cells(last), "the last is there")
    assert time.monotonic() - began < 1
    browser.run("document.querySelector('.scroller').scrollTop = 0")
    browser.wait_for(lambda: browser.cells(names[7]), "the first is there again")


def test_it_filters_very_many(crowd, open_page):
    server, names = crowd
    browser = open_page(server)
    began = time.monotonic()
    browser.fill("#filter", "SERVICE1234")
    fitting = sorted(name for name in names if "service1234" in name)
    browser.wait_for(lambda: len(browser.all("tbody a")) == len(fitting), "those that fit are there")
    assert time.monotonic() - began < 2
    assert browser.text(".summary").startswith(f"{len(fitting)} of 20000 breakers")
    browser.choose("#state", "OPEN")
    browser.wait_for(lambda: len(browser.all("tbody a")) == 1, "one is open")
    assert browser.cells(names[12_345])
    assert browser.run("return location.search") == "?filter=SERVICE1234&state=OPEN"
    twin = browser.one(".hint a").get_attribute("href")
    assert twin.endswith("/json/breakers?filter=SERVICE1234&state=OPEN")
    browser.fill("#filter", "no such thing")
    browser.wait_for(lambda: "No breaker fits" in browser.text(".note"), "it says so")


def test_the_keyboard_is_enough(crowd, open_page):
    server, names = crowd
    browser = open_page(server)
    first = browser.wait_for(lambda: browser.text("tbody a"), "rows are there")
    browser.one("body").send_keys("/")
    browser.wait_for(lambda: browser.run("return document.activeElement.id") == "filter", "focus")
    browser.one("#filter").send_keys("\ue00c")  # Escape
    browser.one("body").send_keys("j")
    focused = "return document.activeElement.textContent"
    browser.wait_for(lambda: browser.run(focused) == first, "the first row has the focus")
    browser.run("document.activeElement.click()")
    browser.wait_for(lambda: browser.text("h1") == first, "its page is open")
    browser.one("body").send_keys("\ue00c")
    browser.wait_for(lambda: browser.all("#filter"), "all are there again")


def test_it_survives_a_restart_of_the_server(open_page, tmp_path):
    flags = [f"--data-dir={tmp_path}/data"]
    with ServerProcess(*flags) as server, Api(server.address) as api:
        http = server.http
        trip(api, "db/orders")
        browser = open_page(server)
        browser.wait_for(lambda: browser.cells("db/orders"), "it is there")
    said = browser.wait_for(lambda: browser.text("#connection").startswith("Disc"), "it notices")
    assert said
    assert browser.cells("db/orders")[1] == "■ OPEN", "what was seen last stays"
    with ServerProcess(*flags, http_listen=http):
        browser.wait_for(lambda: browser.text("#connection").startswith("Live"), "it is live again")
        browser.wait_for(lambda: browser.cells("db/orders")[1] == "■ OPEN", "it goes on")


# Each browser has a text of its own for it, as Safari here.
@pytest.mark.parametrize(
    "broken",
    [
        "window.fetch = async () => { throw new TypeError('Load failed') }",
        "window.fetch = async () => ({ ok: true, text: async () => { throw new TypeError('Load failed') } })",
    ],
)
def test_no_answer_is_never_taken_for_a_defect(server, open_page, broken):
    browser = open_page(server)
    browser.wait_for(lambda: browser.text("#connection").startswith("Live"), "it is live")
    browser.run(broken)
    browser.wait_for(lambda: browser.text("#connection").startswith("Disc"), "it notices")
    assert browser.complaints() == []


def test_an_answer_of_somebody_else_is_said_to_be_that(server, open_page):
    browser = open_page(server)
    browser.wait_for(lambda: browser.text("#connection").startswith("Live"), "it is live")
    browser.run("window.fetch = async () => new Response('<h1>Log in</h1>')")
    browser.wait_for(lambda: "in its place" in browser.text("#connection"), "it says so")
    assert browser.complaints() == []


def test_a_token_that_cannot_be_one_is_said_to_be_none(server, open_page):
    browser = open_page(server)
    browser.run("sessionStorage.setItem('fusebox-token', 'abc\u2026')")
    browser.wait_for(lambda: "no token has" in browser.text("#connection"), "it says so")
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("state=NEAR", "write CLOSED, OPEN or HALF_OPEN"),
        ("offset=x", "write a whole number"),
        ("overridden=yes", "write a whole number"),
        ("stat=OPEN", "did you mean state?"),
        ("y=2", "there are filter, state, overridden, offset, limit"),
    ],
)
def test_its_twin_says_what_is_wrong_with_a_query(server, query, complaint):
    status, body = server.get(f"/json/breakers?{query}")
    assert status == 400
    assert complaint in body
