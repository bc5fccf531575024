"""A real browser without a window, and what tests look at in it.

    with Browser() as browser:
        browser.open(f"http://{server.http}/")
        browser.wait_for(lambda: browser.text("h1"), "there is a heading")
"""

import json
import pathlib
import tempfile

from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from timing import eventually

AXE = pathlib.Path(__file__).parents[3] / ".tools/node/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
FLAGS += ["--disable-dev-shm-usage", "--force-color-profile=srgb", "--hide-scrollbars"]


class Browser:
    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={self._profile.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self._profile.cleanup()

    def size(self, width, height):
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )

    def scheme(self, name):
        """ "light" or "dark"."""
        self._devtools(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}]
        )

    def _devtools(self, command, **parameters):
        self.driver.execute_cdp_cmd(command, parameters)

    def open(self, url):
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """What is read there; empty if there is nothing. In one step: elements come and go."""
        return self.run(
            "return document.querySelector(arguments[0])?.innerText ?? ''", selector
        ).strip()

    def cells(self, name):
        """The texts of a breaker's row, if it is in sight."""
        return self.run(
            "const link = [...document.querySelectorAll('tbody a')]"
            "  .find((each) => each.textContent === arguments[0]);"
            "return link ? [...link.closest('tr').children].map((cell) => cell.textContent) : null",
            name,
        )

    def choose(self, selector, value):
        """Chooses of a list, as a user would."""
        self.one(f"{selector} option[value='{value}']").click()

    def fill(self, selector, value):
        field = self.one(selector)
        field.clear()
        field.send_keys(value)

    def wait_for(self, condition, what):
        return eventually(condition, what)

    def first_answer_ms(self):
        """From when the page was asked for until it showed what the server said."""
        return self.run("return performance.getEntriesByName('first-answer-shown')[0]?.startTime")

    def complaints(self):
        """What the browser has to complain of since the last time: errors and breaches of policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def violations(self):
        """What an automated check of accessibility finds."""
        if not self.run("return typeof axe === 'object'"):
            # As an extension would: the page's own policy lets nothing of others run.
            self._devtools("Runtime.evaluate", expression=AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run({runOnly: arguments[0]}).then((all) => done(JSON.stringify(all.violations)))",
            RULES,
        )
        return [
            (each["id"], [node["html"] for node in each["nodes"]]) for each in json.loads(found)
        ]
