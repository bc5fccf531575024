"""Takes the pictures of docs/status-page.md: a server, callers of a sick dependency, a browser.

    FUSEBOX_SERVER_BINARY=build/release/server/fusebox PYTHONPATH=build/stubs/python:tests/e2e \
    .tools/venv/bin/python tests/e2e/status_page/screenshots.py docs/images
"""

import contextlib
import pathlib
import sys
import tempfile
import threading
import time

from api import FAILURE, SUCCESS, Api
from browser import Browser
from fusebox.v1.breaker_pb2 import STATE_OPEN
from server_process import ServerProcess

POLICIES = """
policies:
- name: payments
  match: ["payments.v1.*/**"]
  circuit_breaker: {consecutive_failures: 0, failure_rate_threshold: 0.3, min_failing_clients: 3}
"""
WELL = ["db/carts", "db/orders", "llm/haiku", "llm/sonnet", "mail/smtp", "search/suggest"]
WELL += ["payments.v1.ChargeService/Refund", "shop/checkout", "stock/reserve"]
SICK = "payments.v1.ChargeService/Charge"


def play(server, stack):
    """What the pictures show: one that is open, one that fails now and then, one overridden."""
    clients = [stack.enter_context(Api(server.address, client=f"checkout-{i}")) for i in range(4)]
    for turn in range(60):
        api = clients[turn % len(clients)]
        for name in WELL:
            fails = name == "search/suggest" and turn % 6 == 0
            api.call(name, FAILURE if fails else SUCCESS)
        api.record(SICK, outcome=FAILURE if turn % 3 == 0 and turn > 20 else SUCCESS)
    for turn in range(60):
        clients[turn % len(clients)].record(SICK, outcome=FAILURE)
        if clients[0].get(SICK).state == STATE_OPEN:
            break
    clients[0].force_open("mail/smtp", "the provider asked us to wait")


def go_on(server, enough):
    """Calls all the time, as the fleet does."""
    with Api(server.address, client="checkout-1") as api:
        while not enough.wait(0.02):
            for name in WELL[::2]:
                api.record(name, outcome=SUCCESS, permit=api.allow(name))
            api.allow(SICK)


def picture(browser, path, name, scheme, size):
    browser.size(*size)
    browser.scheme(scheme)
    browser.open(path)
    browser.wait_for(lambda: browser.text("#connection").startswith("Live"), "it is live")
    browser.wait_for(lambda: browser.all("tbody tr td"), "rows are there")
    time.sleep(3)  # Rates are differences between two looks.
    browser.driver.save_screenshot(str(name))


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        config = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / "fusebox.yaml"
        config.write_text(POLICIES)
        server = stack.enter_context(ServerProcess(f"--config={config}"))
        browser = stack.enter_context(Browser())
        play(server, stack)
        enough = threading.Event()
        fleet = threading.Thread(target=go_on, args=(server, enough))
        fleet.start()
        stack.callback(fleet.join)
        stack.callback(enough.set)
        base = f"http://{server.http}"
        wide, narrow = (1100, 560), (390, 700)
        picture(browser, f"{base}/", folder / "status-light.png", "light", wide)
        picture(browser, f"{base}/", folder / "status-dark.png", "dark", wide)
        picture(browser, f"{base}/", folder / "status-narrow.png", "light", narrow)
        picture(browser, f"{base}/breaker?name={SICK}", folder / "status-why.png", "light", (1100, 900))


main(*sys.argv[1:])
