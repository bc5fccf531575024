"""`make graph` shows a breaker that trips on a graph, in a real browser."""

import re
import shutil
import sys
import urllib.parse

import pytest
from snippets import ROOT, commands
from timing import eventually

sys.path[:0] = [str(ROOT / "tests/deploy/prometheus"), str(ROOT / "tests/e2e/status_page")]
from browser import Browser
from prometheus_process import PrometheusProcess
from test_run_it import BLOCKS, run

RUN = ROOT / "deploy/prometheus/run"
FREE_PORT = "127.0.0.1:0"
OPEN = 'max by (breaker) (fusebox_breaker_state{state="open"})'


@pytest.fixture
def prometheus(server):
    shutil.rmtree(ROOT / "build/prometheus" / FREE_PORT, ignore_errors=True)
    with PrometheusProcess(RUN, server.http, FREE_PORT, "--log.level=info") as process:
        yield process


def graph_of(prometheus):
    """The address that it names, with the port that it got."""
    [address] = re.findall(r"http://\S+/graph\?\S+", "".join(prometheus.log))
    return address.replace(FREE_PORT, prometheus.address)


def test_the_readme_says_to_run_it_before_the_breaker_trips():
    blocks = commands("Run it")
    assert blocks.index("make graph\n") < blocks.index(BLOCKS[1])


def test_a_breaker_that_trips_is_a_line_of_the_graph(server, prometheus):
    expressions = urllib.parse.parse_qs(urllib.parse.urlsplit(graph_of(prometheus)).query)
    assert expressions["g0.expr"] == [OPEN]
    run(BLOCKS[0], server)
    run(BLOCKS[1], server)
    eventually(
        lambda: [row for row in prometheus.query(OPEN) if row["value"][1] == "1"], "it is open"
    )
    for key in ("g0.expr", "g1.expr"):
        prometheus.wait_for(expressions[key][0])
    with Browser() as browser:
        browser.open(graph_of(prometheus))
        browser.wait_for(lambda: 'breaker="db/orders"' in browser.text("body"), "it is there")
        drawn = ".rickshaw_graph path"
        browser.wait_for(lambda: len(browser.all(drawn)) >= 2, "both graphs are drawn")
