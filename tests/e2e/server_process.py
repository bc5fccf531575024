"""Starts real servers on free ports of loopback and looks at them from outside.

    with ServerProcess("--max-breakers=3") as server:
        server.address       "127.0.0.1:40123", for gRPC
        server.http          "127.0.0.1:40124"

    FUSEBOX_SERVER_BINARY   the binary under test
"""

import http.client
import os
import re
import signal
import subprocess
import tempfile
import threading

from timing import PATIENCE_S

BINARY = os.environ["FUSEBOX_SERVER_BINARY"]
GREETING = re.compile(
    r"ts=\S+ level=info event=serving grpc=(\S+|\".+\") http=(\S+) .*\n"
    r"|\{.*\"event\":\"serving\",\"grpc\":\"(.+?)\",\"http\":\"(.+?)\".*\}\n"
)
FREE_PORT = "127.0.0.1:0"


def environment(**extra):
    """The environment without what would configure the server, and with `extra`."""
    return {k: v for k, v in os.environ.items() if not k.startswith("FUSEBOX_")} | extra


def run(*flags, **env):
    """Runs a server that is expected to end by itself, in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [BINARY, *flags],
            env=environment(**env),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )


class ServerProcess:
    """A server that serves. Unless told otherwise it stops without a lame duck, and has a data
    directory of its own.

    Without `read_log`, nobody reads its standard error once it serves.
    """

    def __init__(
        self, *flags, listen=(FREE_PORT,), http_listen=FREE_PORT, env=None, read_log=True
    ):
        arguments = [f"--listen={address}" for address in listen]
        arguments += [f"--http-listen={http_listen}"]
        if not any(flag.startswith("--lame-duck") for flag in flags):
            arguments += ["--lame-duck=0s"]
        self._data = None
        if not any(flag.startswith(("--data-dir", "--store")) for flag in flags):
            self._data = tempfile.TemporaryDirectory()
            arguments += [f"--data-dir={self._data.name}/data"]
        # setpriv: the server ends with this process, however that ends.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", BINARY, *arguments, *flags],
            env=environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = []
        self.addresses, self.http = self._read_greeting()
        self.address = self.addresses[0]
        self._reader = threading.Thread(target=self._read_log)
        if read_log:
            self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        code = self.stop()
        assert failure or code == 0, f"the server ended with {code}: {''.join(self.log)}"

    def _read_greeting(self):
        impatience = threading.Timer(PATIENCE_S, self.process.kill)
        impatience.start()
        for line in self.process.stderr:
            self.log.append(line)
            if match := GREETING.fullmatch(line):
                impatience.cancel()
                grpc, page = (match[1] or match[3]).strip('"'), match[2] or match[4]
                return grpc.split(", "), page
        impatience.cancel()
        self.process.stderr.close()
        raise AssertionError(f"exit code {self.process.wait()} and no greeting in {self.log}")

    def _read_log(self):
        self.log.extend(self.process.stderr)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for its end and returns the exit code."""
        code = self.process.wait(PATIENCE_S)
        if self._reader.ident is not None:
            self._reader.join()
        self.process.stderr.close()
        if self._data is not None:
            self._data.cleanup()
        return code

    def stop(self):
        """Ends it, unless it has ended, and returns the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)  # One that was stopped would not notice.
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.wait()
            raise

    def get(self, path, headers=None):
        """Returns the status and the text of a page."""
        return self._ask("GET", path, None, headers or {})

    def post(self, path, body, headers=None):
        """Posts JSON. Returns the status and the text of the answer."""
        return self._ask("POST", path, body, {"Content-Type": "application/json"} | (headers or {}))

    def _ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection(self.http, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
