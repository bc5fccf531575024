"""An automated check of accessibility finds nothing, whatever is shown and however."""

import pytest
from api import FAILURE, SUCCESS

SIZES = {"wide": (1280, 800), "narrow": (390, 844)}


@pytest.fixture
def busy(start, connect):
    server = start()
    api = connect(server, client="web-1")
    for name in ("db/orders", "mail/smtp", "search/suggest"):
        api.call(name, SUCCESS)
    for _ in range(5):
        api.call("db/orders", FAILURE)
    api.force_open("mail/smtp", "a drill")
    return server


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", ["/", "/breaker?name=db/orders", "/?filter=nothing"])
def test_nothing_is_found(busy, open_page, browser, path, size, scheme):
    browser.size(*SIZES[size])
    browser.scheme(scheme)
    open_page(busy, path)
    assert browser.violations() == []


def test_a_narrow_page_does_not_scroll_sideways(busy, open_page, browser):
    browser.size(*SIZES["narrow"])
    for path in ("/", "/breaker?name=db/orders"):
        open_page(busy, path)
        assert browser.run("return document.documentElement.scrollWidth") <= 390
