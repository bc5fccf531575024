"""The backend behind nginx: answers every GET after a few milliseconds of work.

    python3 backend.py --port=PORT

A process of its own, so that the demo can kill it in the middle of a call.
"""

from __future__ import annotations

import argparse
import http.server
import time

# Long enough that probes of several processes overlap if nobody holds them back.
WORK_SECONDS = 0.02


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # The name is http.server's.
        time.sleep(WORK_SECONDS)
        body = b'{"order": "accepted"}\n'
        self.send_response(200)
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
    parser = argparse.ArgumentParser(description="The demo's backend.")
    parser.add_argument("--port", type=int, required=True)
    with Server(("127.0.0.1", parser.parse_args().port), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
