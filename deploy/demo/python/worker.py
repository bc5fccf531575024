"""A worker of the demo in Python: calls the upstream at a steady rate and asks Fusebox first.

    python3 worker.py --name=python-1 --url=http://127.0.0.1:8080/orders \\
        --fusebox=127.0.0.1:7400 --breaker=shop/checkout --rate=25

The line protocol that every worker speaks is in ../README.md. Needs the stubs on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import http.client
import json
import sys
import threading
import time
import urllib.parse

import grpc
from fusebox.v1 import breaker_pb2 as pb
from fusebox.v1 import breaker_service_pb2_grpc

# Generous: on a busy machine a late answer is still one. A dead Fusebox is noticed at once.
RPC_SECONDS = 5.0
CALL_SECONDS = 10.0
READY_SECONDS = 2.0
MAX_ATTEMPTS = 2


@dataclasses.dataclass
class Totals:
    """What this worker did so far."""

    ok: int = 0
    failed: int = 0
    retries: int = 0
    refused: int = 0
    rpc_errors: int = 0


class Gate:
    """Asks and tells Fusebox about one breaker. Whatever goes wrong with that, calls go ahead."""

    def __init__(self, address: str, breaker: str, client: str, totals: Totals) -> None:
        self.breaker = breaker if address else ""
        self._client = client
        self._totals = totals
        self._stub = None
        if address:
            channel = grpc.insecure_channel(address)
            try:
                grpc.channel_ready_future(channel).result(timeout=READY_SECONDS)
            except grpc.FutureTimeoutError:
                pass  # The worker starts without it and fails open.
            self._stub = breaker_service_pb2_grpc.BreakerServiceStub(channel)

    def allow(self, attempt: int) -> pb.AllowResponse:
        """The answer; an empty one, which is no refusal, if there is none to be had."""
        if self._stub is None:
            return pb.AllowResponse()
        request = pb.AllowRequest(breaker=self.breaker, attempt=attempt, client=self._client)
        try:
            return self._stub.Allow(request, timeout=RPC_SECONDS)
        except grpc.RpcError:
            self._totals.rpc_errors += 1
            return pb.AllowResponse()

    def record(self, permit: bytes, status: int, seconds: float) -> None:
        """Tells how the call ended; status 0: without an answer."""
        if self._stub is None or not permit:
            return
        request = pb.RecordRequest(breaker=self.breaker, permit=permit, client=self._client)
        request.latency.FromNanoseconds(int(seconds * 1e9))
        if status:
            request.http_status = status
        else:
            request.outcome = pb.OUTCOME_FAILURE
        try:
            self._stub.Record(request, timeout=RPC_SECONDS)
        except grpc.RpcError:
            self._totals.rpc_errors += 1


class Worker:
    """Makes the calls, one at a time."""

    def __init__(self, name: str, url: str, gate: Gate, totals: Totals) -> None:
        parts = urllib.parse.urlsplit(url)
        self._path = parts.path
        self._http = http.client.HTTPConnection(parts.netloc, timeout=CALL_SECONDS)
        self._name = name
        self._gate = gate
        self._totals = totals

    def order(self) -> None:
        """One order: a call and, if it fails, its retry."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if not self._attempt(attempt):
                return

    def _attempt(self, attempt: int) -> bool:
        """Whether another attempt is worth it."""
        answer = self._gate.allow(attempt)
        if answer.decision == pb.DECISION_DENIED:
            self._totals.refused += 1
            return False
        begin = time.monotonic()
        status = self._get(attempt, answer)
        self._gate.record(answer.permit, status, time.monotonic() - begin)
        failed = status == 0 or status >= 500
        self._totals.failed += failed
        self._totals.ok += not failed
        self._totals.retries += attempt > 1
        return failed

    def _get(self, attempt: int, answer: pb.AllowResponse) -> int:
        """The HTTP status; 0 without an answer."""
        headers = {
            "X-Worker": self._name,
            "X-Attempt": str(attempt),
            "X-Breaker": self._gate.breaker,
            "X-Epoch": str(answer.epoch),
            "X-Probe": "1" if answer.probe else "0",
        }
        try:
            self._http.request("GET", self._path, headers=headers)
            response = self._http.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            self._http.close()
            return 0


def say(event: str, name: str, totals: Totals) -> None:
    line = {"event": event, "worker": name, **dataclasses.asdict(totals)}
    print(json.dumps(line), flush=True)


def watch_stdin(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def work(worker: Worker, name: str, rate: float, totals: Totals) -> None:
    """Orders at a steady rate until stdin ends; a slow call delays the next and skips none."""
    stop = threading.Event()
    threading.Thread(target=watch_stdin, args=(stop,), daemon=True).start()
    due = report = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        worker.order()
        now = time.monotonic()
        due = max(due + 1 / rate, now)
        if now >= report:
            say("count", name, totals)
            report = now + 1


def main() -> None:
    parser = argparse.ArgumentParser(description="A worker of the demo.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--fusebox", default="", help="HOST:PORT; empty: ask nobody")
    parser.add_argument("--breaker", default="")
    parser.add_argument("--rate", type=float, default=25, help="orders a second")
    args = parser.parse_args()

    totals = Totals()
    gate = Gate(args.fusebox, args.breaker, args.name, totals)
    worker = Worker(args.name, args.url, gate, totals)
    say("ready", args.name, totals)
    if sys.stdin.readline().strip() == "start":
        work(worker, args.name, args.rate, totals)
    say("done", args.name, totals)


if __name__ == "__main__":
    main()
