"""The upstreams of the chain: three real HTTP services behind one nginx.

    /sonnet   fast, but its provider answers 429 with Retry-After above so many calls a second
    /haiku    slow
    /queue    takes an order for later

    with Models(out) as models:
        models.start()
        models.url      # + "/sonnet"
        models.read()   # the calls that were logged since the last read
"""

from __future__ import annotations

import pathlib

from chain import figures
from nginx import Nginx
from processes import Child, free_ports
from upstream import Backend

# What sonnet's provider grants: a bucket of so many calls, and so many a second.
PROVIDER_RATE = 20
PROVIDER_BURST = 20
RETRY_AFTER_SECONDS = 2

# How long each takes to answer, in milliseconds.
WORK_MS = {"sonnet": 50, "haiku": 200, "queue": 5}

# The header that $retry_after is for is sent where it is not empty: with a 429.
# The log is the act's witness: figures.py reads it. `escape=json` quotes what a header may hold.
DEFINITIONS = f"""
  limit_req_zone $uri zone=provider:64k rate={PROVIDER_RATE}r/s;
  limit_req_status 429;
  map $status $retry_after {{
    429 {RETRY_AFTER_SECONDS};
    default "";
  }}
  log_format witness escape=json '{{"end":"$msec","took":"$request_time","status":"$status",'
    '"retry_after":"$sent_http_retry_after","path":"$uri","worker":"$http_x_worker",'
    '"order":"$http_x_order","breaker":"$http_x_breaker","epoch":"$http_x_epoch",'
    '"refused":"$http_x_refused","waited_ms":"$http_x_waited_ms"}}';
"""

LOCATION = """
    location = /{name} {{
      {limit}
      proxy_pass http://127.0.0.1:{port};
    }}
"""

LIMIT = f"""limit_req zone=provider burst={PROVIDER_BURST} nodelay;
      add_header Retry-After $retry_after always;"""


class Models:
    """nginx and the three services behind it, on free ports of loopback."""

    def __init__(self, out: pathlib.Path) -> None:
        ports = dict(zip(WORK_MS, free_ports(len(WORK_MS)), strict=True))
        locations = "".join(
            LOCATION.format(name=name, port=port, limit=LIMIT if name == "sonnet" else "")
            for name, port in ports.items()
        )
        self._out = out
        self._ports = ports
        self._nginx = Nginx(out, DEFINITIONS, locations, figures.parse)
        self.url = self._nginx.url
        self._backends: list[Backend] = []

    def __enter__(self) -> Models:
        return self

    def __exit__(self, *exit: object) -> None:
        self._nginx.__exit__(*exit)
        for backend in self._backends:
            backend.stop()

    @property
    def children(self) -> list[Child]:
        return [self._nginx.child, *self._backends]

    def start(self) -> None:
        """Starts them all and waits until they answer."""
        self._nginx.start()
        for name, port in self._ports.items():
            self._backends.append(Backend(name, port, self._out, f"--work-ms={WORK_MS[name]}"))
        for backend in self._backends:
            backend.await_ready()

    def read(self) -> list[figures.Call]:
        """The calls that were logged since the last read."""
        return self._nginx.read()
