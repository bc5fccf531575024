"""A backend behind nginx: answers every GET after some milliseconds of work.

    python3 backend.py --port=PORT --work-ms=20

A process of its own, so that the demo can kill it in the middle of a call. SIGUSR1 begins a
brown-out and SIGUSR2 ends it: meanwhile some calls fail and some are slow.
"""

from __future__ import annotations

import argparse
import http.server
import random
import signal
import threading
import time

# A brown-out: these shares of the calls are answered 503, and after so long.
FAILING_SHARE = 0.3
SLOW_SHARE = 0.4
SLOW_SECONDS = 0.25

brown_out = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    work_seconds = 0.0

    def do_GET(self) -> None:  # The name is http.server's.
        ailing = brown_out.is_set()
        time.sleep(SLOW_SECONDS if ailing and random.random() < SLOW_SHARE else self.work_seconds)
        failing = ailing and random.random() < FAILING_SHARE
        body = b'{"order": "refused"}\n' if failing else b'{"order": "accepted"}\n'
        self.send_response(503 if failing else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: nginx does."""


class Server(http.server.ThreadingHTTPServer):
    # The default of 5 would refuse calls of a healthy fleet.
    request_queue_size = 256


def main() -> None:
    parser = argparse.ArgumentParser(description="A backend of the demo.")
    parser.add_argument("--port", type=int, required=True)
    # Long enough that probes of several processes overlap if nobody holds them back.
    parser.add_argument("--work-ms", type=float, default=20)
    args = parser.parse_args()
    Handler.work_seconds = args.work_ms / 1000
    signal.signal(signal.SIGUSR1, lambda *_: brown_out.set())
    signal.signal(signal.SIGUSR2, lambda *_: brown_out.clear())
    with Server(("127.0.0.1", args.port), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
