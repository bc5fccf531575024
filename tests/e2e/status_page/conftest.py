"""A browser for all tests of the status page, which starts each without a token."""

import pytest
from browser import Browser


@pytest.fixture(scope="session")
def the_browser():
    with Browser() as one:
        yield one


@pytest.fixture
def browser(the_browser):
    the_browser.size(1280, 800)
    the_browser.scheme("light")
    the_browser.complaints()
    yield the_browser
    the_browser.run("sessionStorage.clear()")
    the_browser.open("about:blank")


@pytest.fixture
def open_page(browser):
    """Opens a page of a server and waits until it is live."""

    def open_one(server, path="/"):
        browser.open(f"http://{server.http}{path}")
        browser.wait_for(lambda: browser.text("#connection").startswith("Live"), "it is live")
        return browser

    return open_one
