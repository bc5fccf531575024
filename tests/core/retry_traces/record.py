"""Records traces of retries: a real client against a real server that fails by the clock.

    python3 record.py            # Takes a minute and a half, writes outage.csv and the others here.

Of every call all attempts are made, also after one that succeeded, so that a trace knows how each
of them would have ended. Before an attempt the client waits as under full jitter of 100ms and
200ms. What is written down is what the client saw: SUCCESS, FAILURE (a 5xx, or no connection) or
TIMEOUT (no answer within 300ms). A line is a call: when it began, in milliseconds since the start
of the trace, and for each attempt its outcome and when it ended, in milliseconds since the call
began.
"""

import argparse
import concurrent.futures
import dataclasses
import http.client
import http.server
import math
import multiprocessing
import pathlib
import random
import socket
import time

ATTEMPTS = 3
TIMEOUT = 0.3
BASE_BACKOFF = 0.1
HANG = 1.0


@dataclasses.dataclass(frozen=True)
class Phase:
    """What the server does until `end`, in seconds since the start of the trace."""

    end: float
    failing: float = 0.0  # This share of requests is answered with 503,
    hanging: float = 0.0  # and this one not at all.
    dead: bool = False  # There is no server.


@dataclasses.dataclass(frozen=True)
class Scenario:
    seconds: float
    calls_per_second: float
    phases: tuple

    def phase_at(self, second):
        return next(phase for phase in self.phases if second < phase.end)


SCENARIOS = {
    # Killed for twenty seconds; then up, but without what it needs for twenty more; then back, and
    # rough for ten.
    "outage": Scenario(
        seconds=88,
        calls_per_second=33,
        phases=(
            Phase(30, failing=0.005),
            Phase(50, dead=True),
            Phase(70, failing=1),
            Phase(80, failing=0.4, hanging=0.1),
            Phase(math.inf, failing=0.005),
        ),
    ),
    "brownout": Scenario(
        seconds=75, calls_per_second=25, phases=(Phase(math.inf, failing=0.24, hanging=0.06),)
    ),
    "noise": Scenario(
        seconds=75, calls_per_second=25, phases=(Phase(math.inf, failing=0.008, hanging=0.002),)
    ),
}


class Server(http.server.ThreadingHTTPServer):
    """Serves one scenario. Its port stays bound by the recorder, also while it is dead."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, port, scenario, started):
        self.scenario = scenario
        self.started = started
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # The name is http.server's.
        phase = self.server.scenario.phase_at(time.monotonic() - self.server.started)
        draw = random.random()
        if draw < phase.hanging:
            time.sleep(HANG)
            return
        failing = draw < phase.hanging + phase.failing
        self.send_response(503 if failing else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""


def serve(port, scenario, started):
    with Server(port, scenario, started) as server:
        server.serve_forever()


def attempt(port):
    """Makes one and tells its outcome."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/")
        return "FAILURE" if connection.getresponse().status >= 500 else "SUCCESS"
    except TimeoutError:
        return "TIMEOUT"
    except (OSError, http.client.HTTPException):
        return "FAILURE"
    finally:
        connection.close()


def call(port, started):
    """Makes all attempts of one, and gives its row."""
    began = time.monotonic()
    row = [round((began - started) * 1000)]
    for number in range(ATTEMPTS):
        if number > 0:
            time.sleep(random.uniform(0, BASE_BACKOFF * 2 ** (number - 1)))
        row += [attempt(port), round((time.monotonic() - began) * 1000)]
    return row


def make_calls(port, scenario, started):
    with concurrent.futures.ThreadPoolExecutor(max_workers=256) as pool:
        calls = []
        due = started
        while due < started + scenario.seconds:
            time.sleep(max(0, due - time.monotonic()))
            calls.append(pool.submit(call, port, started))
            due += random.uniform(0.5, 1.5) / scenario.calls_per_second
        return [done.result() for done in calls]


def run_servers(port, scenario, started):
    """Has a server alive whenever the scenario says so, until this process is ended."""
    server = None
    for phase in scenario.phases:
        if phase.dead and server is not None:
            server.kill()
            server.join()
            server = None
        if not phase.dead and server is None:
            server = multiprocessing.Process(
                target=serve, args=(port, scenario, started), daemon=True
            )
            server.start()
        end = min(phase.end, scenario.seconds + HANG)
        time.sleep(max(0, started + end - time.monotonic()))
    server.kill()
    server.join()


def record(name, folder, started):
    scenario = SCENARIOS[name]
    # Bound and never listening: it keeps the port for servers to come.
    with socket.socket() as placeholder:
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        servers = multiprocessing.Process(target=run_servers, args=(port, scenario, started))
        servers.start()
        rows = make_calls(port, scenario, started)
        servers.join()
    titles = ["time_ms"]
    for number in range(1, ATTEMPTS + 1):
        titles += [f"outcome_{number}", f"ended_{number}_ms"]
    lines = [",".join(map(str, row)) for row in [titles, *rows]]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    folder = parser.parse_args().out
    started = time.monotonic() + 3  # Until then all servers are up.
    recorders = [
        multiprocessing.Process(target=record, args=(name, folder, started)) for name in SCENARIOS
    ]
    for recorder in recorders:
        recorder.start()
    for recorder in recorders:
        recorder.join()
    return any(recorder.exitcode for recorder in recorders)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    raise SystemExit(main())
