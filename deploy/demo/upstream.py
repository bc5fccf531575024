"""The upstream: nginx before a small backend that can be killed and started again.

    with Upstream(out) as upstream:
        upstream.start()
        upstream.kill_backend()      # nginx now answers 502
        upstream.start_backend()
        upstream.log.read()          # the calls that were logged since the last read
"""

from __future__ import annotations

import http.client
import pathlib
import shutil
import sys

import analysis
from processes import Child, DemoError, free_ports, wait_until

# Runs as whoever runs the demo, as one process, and writes below its own folder only.
# The log is the demo's witness: analysis.py reads it. `escape=json` quotes what a header may hold.
NGINX_CONF = """
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
  log_format witness escape=json '{{"end":"$msec","took":"$request_time","status":"$status",'
    '"upstream_status":"$upstream_status","worker":"$http_x_worker",'
    '"attempt":"$http_x_attempt","breaker":"$http_x_breaker","epoch":"$http_x_epoch",'
    '"probe":"$http_x_probe"}}';
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    access_log off;
    location / {{
      access_log "{log}" witness;
      proxy_pass http://127.0.0.1:{backend_port};
      proxy_connect_timeout 5s;
      proxy_read_timeout 5s;
    }}
    location = /ready {{ return 204; }}
  }}
}}
"""


class AccessLog:
    """nginx's access log, read as it grows."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._file = path.open(encoding="utf-8")
        self._rest = ""

    def read(self) -> list[analysis.Call]:
        """The calls that were logged since the last read."""
        text = self._rest + self._file.read()
        whole, newline, self._rest = text.rpartition("\n")
        return analysis.parse((whole + newline).splitlines())

    def close(self) -> None:
        self._file.close()


class Upstream:
    """nginx and its backend, on free ports of loopback."""

    def __init__(self, out: pathlib.Path) -> None:
        self._out = out
        self.port, self.backend_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}/orders"
        path = out / "access.log"
        path.write_text("")
        self.log = AccessLog(path)
        self._nginx: Child | None = None
        self._backend: Child | None = None

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        for child in (self._nginx, self._backend):
            if child is not None:
                child.stop()
        self.log.close()

    @property
    def up(self) -> bool:
        """Whether the backend runs."""
        return self._backend is not None and self._backend.process.poll() is None

    def start(self) -> None:
        """Starts both and waits until they answer."""
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if nginx is None:
            raise DemoError("nginx is not installed; run .ci/install test")
        prefix = self._out / "nginx"
        prefix.mkdir()
        config = prefix / "nginx.conf"
        config.write_text(
            NGINX_CONF.format(port=self.port, backend_port=self.backend_port, log=self.log.path)
        )
        argv = [nginx, "-p", f"{prefix}/", "-c", str(config), "-e", "stderr"]
        self._nginx = Child("nginx", argv, self._out)
        wait_until(
            lambda: _answers(self.port, "/ready"), 10, "nginx answers", needed=[self._nginx]
        )
        self.start_backend()

    def start_backend(self) -> None:
        """Starts the backend and waits until it answers."""
        script = pathlib.Path(__file__).with_name("backend.py")
        argv = [sys.executable, str(script), f"--port={self.backend_port}"]
        self._backend = Child("backend", argv, self._out)
        # Asked directly, so that nginx's log holds the workers' calls and no others.
        wait_until(
            lambda: _answers(self.backend_port, "/"), 10, "the backend answers", [self._backend]
        )

    def kill_backend(self) -> None:
        """Ends the backend in the middle of whatever it does."""
        assert self._backend is not None
        self._backend.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
