"""Real Prometheuses, on free ports.

    with QuickPrometheus(RULES, server.http) as prometheus:
        prometheus.query("up")      [{"metric": {...}, "value": [time, "1"]}]
"""

import json
import pathlib
import re
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

import yaml
from timing import PATIENCE_S, eventually

LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class PrometheusProcess:
    """One that `command` starts, and that says where it listens in its log."""

    def __init__(self, *command):
        # setpriv: it ends with this process, however that ends.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.log = []
        self.address = self._read_address()
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stdout))
        self._reader.start()
        eventually(self._is_ready, "Prometheus is ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self._reader.join()
        self.process.stdout.close()

    def _read_address(self):
        impatience = threading.Timer(PATIENCE_S, self.process.kill)
        impatience.start()
        try:
            for line in self.process.stdout:
                self.log.append(line)
                if match := LISTENING.search(line):
                    return match[1]
        finally:
            impatience.cancel()
        raise AssertionError(f"exit code {self.process.wait()}: {''.join(self.log)}")

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=PATIENCE_S):
                return True
        except urllib.error.HTTPError:
            return False

    def ask(self, path, **parameters):
        """The data that its API answers with."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            return json.load(response)["data"]

    def query(self, expression):
        """What an expression is now: empty while there is nothing."""
        return self.ask("query", query=expression)["result"]

    def wait_for(self, expression):
        """Waits until the expression has data."""
        return eventually(lambda: self.query(expression), f"there is data for {expression}")


class QuickPrometheus(PrometheusProcess):
    """Scrapes servers every quarter of a second."""

    def __init__(self, rules, *targets):
        self._folder = tempfile.TemporaryDirectory()
        config = pathlib.Path(self._folder.name) / "prometheus.yml"
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "250ms", "evaluation_interval": "250ms"},
                    "rule_files": [str(rules)],
                    "scrape_configs": [
                        {"job_name": "fusebox", "static_configs": [{"targets": list(targets)}]}
                    ],
                }
            )
        )
        super().__init__(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder.name}/data",
            "--web.listen-address=127.0.0.1:0",
        )

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self._folder.cleanup()
