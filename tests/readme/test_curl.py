"""The curl lines of the README and of docs/http.md work as they are written, errors included."""

import contextlib
import json
import re
import subprocess

import pytest
from server_process import ServerProcess, environment
from snippets import README, ROOT
from timing import PATIENCE_S, eventually

PAGE = ROOT / "docs/http.md"


@pytest.fixture
def start_with(tmp_path):
    """Starts a server with this configuration."""
    with contextlib.ExitStack() as stack:

        def start(text):
            file = tmp_path / "fusebox.yaml"
            file.write_text(text)
            return stack.enter_context(ServerProcess(f"--config={file}"))

        yield start


def blocks_of(page):
    """The page's shell blocks."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def run(block, server):
    """The last answer that it prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.replace("127.0.0.1:7401", server.http)],
        env=environment(no_proxy="127.0.0.1"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("page", [README, PAGE], ids=lambda page: page.name)
def test_they_ask_and_tell(page, server):
    *asks, tells = blocks_of(page)
    for block in asks:
        assert run(block, server)["decision"] == "DECISION_ALLOWED"
    told = run(tells, server)
    assert told["outcome"] == "OUTCOME_FAILURE"
    assert told["counted"] == "COUNTED_COUNTED"
    seen = json.loads(server.get("/json/breakers")[1])
    assert len(seen["rows"]) == 1


@pytest.mark.parametrize("page", [README, PAGE], ids=lambda page: page.name)
def test_their_probes_close_a_breaker(page, start_with):
    server = start_with("policies: [{name: default, circuit_breaker: {open_duration: 20ms}}]")
    tells = blocks_of(page)[-1].replace("503", "200")
    failed = tells.replace("200", "500")
    state = ""
    for _ in range(5):
        state = run(failed, server)["state"]
    assert state == "STATE_OPEN"
    eventually(lambda: run(tells, server)["state"] == "STATE_CLOSED", "probes have closed it")


def test_what_goes_wrong_is_what_the_page_shows(server):
    [ask, _] = blocks_of(PAGE)
    error = run(ask.replace("db/orders", "a//b"), server)
    shown = re.search(r'^ {4}(\{"code":"invalid_argument".*)', PAGE.read_text(), re.MULTILINE)[1]
    message = re.search(r'"message":"(.*?); use segments', shown)[1].replace('\\"', '"')
    assert error["code"] == "invalid_argument"
    assert error["message"].startswith(message)
    assert error["details"][0]["debug"] == {"reason": "BREAKER_NAME_INVALID", "domain": "fusebox"}
