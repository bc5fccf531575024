"""Each event that README.md and docs tell people to look for in the log is one that is logged."""

import re

import pytest
from snippets import README, ROOT

NAMED = re.compile(r"\bevent=(\w+)|\"event\":\"(\w+)\"")
# The severity may be a choice; the event is the first text.
LOGGED = re.compile(r"\bLog\([^\";]*\"(\w+)\"")


def events_of(page):
    return {name or in_json for name, in_json in NAMED.findall(page.read_text())}


SOURCES = [path for path in (ROOT / "server").rglob("*") if path.suffix in (".cc", ".h")]
EVENTS = {event for path in SOURCES for event in LOGGED.findall(path.read_text())}
PAGES = [page for page in (README, *sorted((ROOT / "docs").rglob("*.md"))) if events_of(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_an_event_that_a_page_names_is_logged(page):
    assert events_of(page) <= EVENTS
