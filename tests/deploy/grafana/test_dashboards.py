"""The dashboards are what their source says, complete, and show what a real server tells."""

import contextlib
import json
import pathlib
import re
import threading

import pytest
import yaml
from api import FAILURE, SUCCESS, Api
from prometheus_process import QuickPrometheus
from server_process import ServerProcess
from timing import eventually
from write import BOARDS, text_of

ROOT = pathlib.Path(__file__).parents[3]
GRAFANA = ROOT / "deploy/grafana"
RULES = ROOT / "deploy/prometheus/fusebox.rules.yaml"
ALL = {path.stem: json.loads(path.read_text()) for path in (GRAFANA / "dashboards").glob("*.json")}
PANELS = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}")
    for name, board in sorted(ALL.items())
    for panel in board["panels"]
]
OPEN, BUSY = "db/orders", "limited/calls"
# Where all is well there is no trouble to tell of, and where nothing is shared no shared budget.
NOT_BY_DEFAULT = (
    "fleet: States A",
    "fleet: Not closed now A",
    "fleet: Shared retry budgets A",
    "fleet: Transitions",
)


def targets():
    """Each expression of each panel and annotation."""
    for name, board in sorted(ALL.items()):
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield pytest.param(target["expr"], id=f"{name}: {panel['title']} {target['refId']}")
        for annotation in board.get("annotations", {}).get("list", []):
            yield pytest.param(annotation["expr"], id=f"{name}: {annotation['name']}")


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_file_is_what_the_source_makes(name):
    assert (GRAFANA / f"dashboards/{name}.json").read_text() == text_of(BOARDS[name])


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_found_and_left(name):
    board = ALL[name]
    assert board["title"] == f"Fusebox / {name}"
    assert board["uid"] == f"fusebox-{name}"
    assert board["description"].endswith(".")
    assert board["tags"] == ["fusebox"]
    assert [v["name"] for v in board["templating"]["list"]][:3] == ["datasource", "job", "instance"]
    assert all(variable["label"] for variable in board["templating"]["list"])
    others = {f"/d/fusebox-{other}" for other in BOARDS if other != name}
    assert {link["url"] for link in board["links"]} == others


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_panel_says_what_it_shows(name, panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["legendFormat"]


@pytest.mark.parametrize("expr", targets())
def test_an_expression_keeps_to_what_is_chosen(expr):
    selectors = re.findall(r"\b(?:fusebox|grpc_server|process)_\w+(\{[^}]*\})?", expr)
    assert selectors
    for selector in selectors:
        assert 'job=~"$job"' in selector
        assert 'instance=~"$instance"' in selector
    for window in re.findall(r"(?:rate|increase)\([^\[]*\[([^\]]*)\]", expr):
        assert window == "$__rate_interval"


def test_provisioning_finds_them():
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    assert source["type"] == "prometheus"
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/fusebox.yaml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
    assert provider["options"]["path"].endswith("/dashboards")


def keep_calling(server, enough):
    with Api(server.address, client="web-1") as api:
        for turn in range(10**9):
            answer = api.allow(BUSY)
            api.record(BUSY, answer, FAILURE if turn % 4 == 0 else SUCCESS)
            api.allow(OPEN)
            api.allow("shared/retried", attempt=2)
            if enough.wait(0.01):
                return


@contextlib.contextmanager
def under_load(*flags):
    with ServerProcess(*flags) as server:
        enough = threading.Event()
        load = threading.Thread(target=keep_calling, args=(server, enough))
        load.start()
        try:
            yield server
        finally:
            enough.set()
            load.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One with a breaker that is open, one that is limited, and a shared retry budget."""
    config = tmp_path_factory.mktemp("config") / "fusebox.yaml"
    config.write_text(
        "retry_budgets: [{name: shared, settings: {retry_ratio: 0.1}}]\n"
        "policies:\n"
        "- {name: db, match: ['db/**'],\n"
        "   circuit_breaker: {open_duration: 1h, max_open_duration: 1h}}\n"
        "- {name: shared, match: ['shared/**'], shared_retry_budget: shared}\n"
        "- {name: limited, match: ['limited/**'], bulkhead: {max_concurrent: 10},\n"
        "   rate_limit: {rate: 1000, per: 1s},\n"
        "   circuit_breaker: {consecutive_failures: 0, failure_rate_threshold: 0.9}}\n"
    )
    with under_load(f"--config={config}") as server, Api(server.address) as api:
        for _ in range(5):
            api.call(OPEN, FAILURE)
        api.force_open(OPEN, "to look at it")
        yield server


@pytest.fixture(scope="module")
def plain_server():
    """One of which nothing is configured."""
    with under_load() as server:
        yield server


@pytest.fixture(scope="module")
def prometheus(server, plain_server):
    with QuickPrometheus(RULES, server.http, plain_server.http) as prometheus:
        yield prometheus


def chosen(expr, server, breaker):
    """An expression as Grafana asks for it."""
    for variable, value in {
        "$job": "fusebox",
        "$instance": server.http,
        "$breaker": breaker,
        "$__rate_interval": "2s",
        "$__range": "1m",
    }.items():
        expr = expr.replace(variable, value)
    return expr


def wait_for_numbers(prometheus, asked):
    def numbers():
        return [each for each in prometheus.query(asked) if each["value"][1] != "NaN"]

    eventually(numbers, f"there is data for {asked}")


@pytest.mark.parametrize("expr", targets())
def test_an_expression_has_data_under_load(expr, server, prometheus):
    expr = expr.replace(" or vector(0)", "")  # Which would hide that there is nothing.
    # Some is only told of a breaker that is open, and some only of one that is called.
    one, other = chosen(expr, server, OPEN), chosen(expr, server, BUSY)
    wait_for_numbers(prometheus, f"({one}) or ({other})" if one != other else one)


@pytest.mark.parametrize(
    "expr",
    [
        target
        for target in targets()
        if not target.id.startswith("breaker: ") and target.id not in NOT_BY_DEFAULT
    ],
)
def test_an_expression_has_data_where_nothing_is_configured(expr, plain_server, prometheus):
    wait_for_numbers(prometheus, chosen(expr, plain_server, ".*"))
