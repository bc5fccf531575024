"""nginx as a witness: it stands before the backends, misses no call and knows nothing of breakers.

    with Nginx(out, DEFINITIONS, LOCATIONS, analysis.parse) as nginx:
        nginx.start()
        nginx.url        # http://127.0.0.1:PORT
        nginx.read()     # the calls that were logged since the last read
"""

from __future__ import annotations

import http.client
import pathlib
import shutil
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from processes import Child, DemoError, free_ports, wait_until

# Runs as whoever runs the demo, as one process, and writes below its own folder only.
CONF = """
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
{definitions}
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    access_log "{log}" witness;
{locations}
    location = /ready {{ access_log off; return 204; }}
  }}
}}
"""

Call = TypeVar("Call")


class Nginx(Generic[Call]):
    """One nginx on a free port of loopback, and its access log, read as it grows."""

    def __init__(
        self,
        out: pathlib.Path,
        definitions: str,
        locations: str,
        parse: Callable[[Iterable[str]], list[Call]],
    ) -> None:
        """`definitions` has the log format `witness`; `parse` reads what is logged in it."""
        self._out = out
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._parse = parse
        log = out / "access.log"
        log.write_text("")
        self._log = log.open(encoding="utf-8")
        self._rest = ""
        self._prefix = out / "nginx"
        self._prefix.mkdir()
        self._config = self._prefix / "nginx.conf"
        self._config.write_text(
            CONF.format(port=self.port, log=log, definitions=definitions, locations=locations)
        )
        self._child: Child | None = None

    def __enter__(self) -> Nginx[Call]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.stop()
        self._log.close()

    @property
    def child(self) -> Child:
        assert self._child is not None
        return self._child

    def start(self) -> None:
        """Starts it and waits until it answers."""
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if binary is None:
            raise DemoError("nginx is not installed; run .ci/install test")
        argv = [binary, "-p", f"{self._prefix}/", "-c", str(self._config), "-e", "stderr"]
        self._child = Child("nginx", argv, self._out)
        wait_until(lambda: answers(self.port, "/ready"), 10, "nginx answers", [self._child])

    def read(self) -> list[Call]:
        """The calls that were logged since the last read."""
        text = self._rest + self._log.read()
        whole, newline, self._rest = text.rpartition("\n")
        return self._parse((whole + newline).splitlines())


def answers(port: int, path: str) -> bool:
    """Whether somebody on this port of loopback answers a GET with a success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
