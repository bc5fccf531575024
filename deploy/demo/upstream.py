"""The upstream: nginx before a small backend that can be killed and started again.

    with Upstream(out) as upstream:
        upstream.start()
        upstream.kill_backend()      # nginx now answers 502
        upstream.start_backend()
        upstream.brown_out(True)     # some calls fail and some are slow, until False
        upstream.read()              # the calls that were logged since the last read
"""

from __future__ import annotations

import pathlib
import signal
import sys

import analysis
from nginx import Nginx, answers
from processes import Child, free_ports, wait_until

# The log is the demo's witness: analysis.py reads it. `escape=json` quotes what a header may hold.
DEFINITIONS = """
  log_format witness escape=json '{"end":"$msec","took":"$request_time","status":"$status",'
    '"upstream_status":"$upstream_status","worker":"$http_x_worker",'
    '"attempt":"$http_x_attempt","breaker":"$http_x_breaker","epoch":"$http_x_epoch",'
    '"probe":"$http_x_probe"}';
"""

LOCATIONS = """
    location / {{
      proxy_pass http://127.0.0.1:{backend_port};
      proxy_connect_timeout 5s;
      proxy_read_timeout 5s;
    }}
"""


class Backend(Child):
    """One backend.py."""

    def __init__(self, name: str, port: int, out: pathlib.Path, *flags: str) -> None:
        script = pathlib.Path(__file__).with_name("backend.py")
        super().__init__(name, [sys.executable, str(script), f"--port={port}", *flags], out)
        self._port = port

    def await_ready(self) -> None:
        """Waits until it answers."""
        # Asked directly, so that nginx's log holds the workers' calls and no others.
        wait_until(lambda: answers(self._port, "/"), 10, f"{self.name} answers", [self])


class Upstream:
    """nginx and its backend, on free ports of loopback."""

    def __init__(self, out: pathlib.Path) -> None:
        self._out = out
        (self.backend_port,) = free_ports(1)
        locations = LOCATIONS.format(backend_port=self.backend_port)
        self._nginx = Nginx(out, DEFINITIONS, locations, analysis.parse)
        self.url = f"{self._nginx.url}/orders"
        self._backend: Backend | None = None

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *exit: object) -> None:
        self._nginx.__exit__(*exit)
        if self._backend is not None:
            self._backend.stop()

    @property
    def up(self) -> bool:
        """Whether the backend runs."""
        return self._backend is not None and self._backend.process.poll() is None

    def start(self) -> None:
        """Starts both and waits until they answer."""
        self._nginx.start()
        self.start_backend()

    def start_backend(self) -> None:
        """Starts the backend and waits until it answers."""
        self._backend = Backend("backend", self.backend_port, self._out)
        self._backend.await_ready()

    def kill_backend(self) -> None:
        """Ends the backend in the middle of whatever it does."""
        assert self._backend is not None
        self._backend.kill()

    def brown_out(self, begins: bool) -> None:
        """Makes the backend fail some calls and answer others late, or ends that."""
        assert self._backend is not None
        self._backend.process.send_signal(signal.SIGUSR1 if begins else signal.SIGUSR2)

    def read(self) -> list[analysis.Call]:
        """The calls that were logged since the last read."""
        return self._nginx.read()
