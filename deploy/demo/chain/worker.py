"""A shop that asks a language model about each order: the first of a chain that may be called.

    python3 worker.py --name=shop-1 --url=http://127.0.0.1:8080 --fusebox=127.0.0.1:7400 \\
        --chain=llm/sonnet,llm/haiku,llm/queue --max-wait=8

Orders come at a steady rate, each served in a thread of its own: one that waits delays no other.
The line protocol is that of all workers, in ../README.md. Needs the stubs on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import http.client
import itertools
import json
import queue
import random
import sys
import threading
import time
import traceback
import urllib.parse
from collections.abc import Sequence

import grpc
from fusebox.v1 import breaker_pb2 as pb
from fusebox.v1 import breaker_service_pb2_grpc

# Generous: on a busy machine a late answer is still one. A dead Fusebox is noticed at once.
RPC_SECONDS = 5.0
CALL_SECONDS = 10.0
READY_SECONDS = 2.0
# One for each of the chain, and some to spare: each 429 closes sonnet off for the next attempt.
MAX_ATTEMPTS = 5
# More than can wait at once.
MAX_ORDERS_AT_ONCE = 200


@dataclasses.dataclass
class Totals:
    """What this worker did so far."""

    orders: int = 0
    ok: int = 0
    failed: int = 0
    refused: int = 0
    rpc_errors: int = 0


@dataclasses.dataclass(frozen=True)
class Reply:
    """What an upstream answered."""

    status: int  # 0: nothing.
    retry_after: int  # In seconds; 0: it said nothing of that.


class Gate:
    """Asks Fusebox who of a chain may be called, and tells it how the call ended. Thread-safe."""

    def __init__(self, address: str, chain: Sequence[str], max_wait: float, client: str) -> None:
        self._chain = chain
        self._max_wait = max_wait
        self._client = client
        channel = grpc.insecure_channel(address)
        try:
            grpc.channel_ready_future(channel).result(timeout=READY_SECONDS)
        except grpc.FutureTimeoutError:
            pass  # The worker starts without it and fails open.
        self._stub = breaker_service_pb2_grpc.BreakerServiceStub(channel)

    def allow(self, attempt: int, previous: pb.Outcome) -> pb.AllowResponse:
        """The answer. May raise a grpc.RpcError, which is no refusal."""
        request = pb.AllowRequest(
            breaker=self._chain[0],
            fallbacks=self._chain[1:],
            attempt=attempt,
            previous_outcome=previous,
            client=self._client,
        )
        request.max_wait.FromNanoseconds(int(self._max_wait * 1e9))
        return self._stub.Allow(request, timeout=self._max_wait + RPC_SECONDS)

    def record(self, answer: pb.AllowResponse, reply: Reply, seconds: float) -> pb.Outcome:
        """Tells whoever granted the call how it ended; the outcome that its policy made of it."""
        request = pb.RecordRequest(
            breaker=answer.breaker, permit=answer.permit, client=self._client
        )
        request.latency.FromNanoseconds(int(seconds * 1e9))
        if reply.status:
            request.http_status = reply.status
        else:
            request.outcome = pb.OUTCOME_FAILURE
        if reply.retry_after:
            request.retry_after.FromSeconds(reply.retry_after)
        return self._stub.Record(request, timeout=RPC_SECONDS).outcome


class Shop:
    """Serves orders. Thread-safe."""

    def __init__(self, name: str, url: str, chain: Sequence[str], gate: Gate) -> None:
        self._name = name
        self._host = urllib.parse.urlsplit(url).netloc
        self._first = chain[0]
        self._gate = gate
        self._lock = threading.Lock()
        self._totals = Totals()

    def totals(self) -> Totals:
        with self._lock:
            return dataclasses.replace(self._totals)

    def _count(self, **more: int) -> None:
        with self._lock:
            for key, count in more.items():
                setattr(self._totals, key, getattr(self._totals, key) + count)

    def order(self, number: int) -> None:
        """One order: asks for whom to call, until somebody has answered it."""
        self._count(orders=1)
        previous = pb.OUTCOME_UNSPECIFIED
        for attempt in range(1, MAX_ATTEMPTS + 1):
            begin = time.monotonic()
            answer = self._ask(attempt, previous)
            if answer.decision == pb.DECISION_DENIED:
                self._count(refused=1)
                return
            asked = time.monotonic()
            reply = self._call(f"{self._name}/{number}", answer, asked - begin)
            self._count(ok=reply.status == 200, failed=reply.status != 200)
            previous = self._tell(answer, reply, time.monotonic() - asked)
            if reply.status == 200:
                return

    def _ask(self, attempt: int, previous: pb.Outcome) -> pb.AllowResponse:
        """The answer; an empty one, which is no refusal, if there is none to be had."""
        try:
            return self._gate.allow(attempt, previous)
        except grpc.RpcError:
            self._count(rpc_errors=1)
            return pb.AllowResponse()

    def _tell(self, answer: pb.AllowResponse, reply: Reply, seconds: float) -> pb.Outcome:
        if not answer.permit:
            return pb.OUTCOME_UNSPECIFIED
        try:
            return self._gate.record(answer, reply, seconds)
        except grpc.RpcError:
            self._count(rpc_errors=1)
            return pb.OUTCOME_UNSPECIFIED

    def _call(self, order: str, answer: pb.AllowResponse, waited: float) -> Reply:
        """Calls whom Fusebox named: llm/haiku is at /haiku."""
        headers = {
            "X-Worker": self._name,
            "X-Order": order,
            "X-Breaker": answer.breaker,
            "X-Epoch": str(answer.epoch),
            "X-Refused": ", ".join(
                f"{one.breaker}={short_reason(one.reason)}" for one in answer.refused
            ),
            "X-Waited-Ms": str(round(waited * 1000)),
        }
        path = "/" + (answer.breaker or self._first).rsplit("/", 1)[1]
        connection = http.client.HTTPConnection(self._host, timeout=CALL_SECONDS)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            return Reply(response.status, int(response.getheader("Retry-After", "0")))
        except (OSError, http.client.HTTPException):
            return Reply(0, 0)
        finally:
            connection.close()


def short_reason(reason: int) -> str:
    """REASON_OPEN becomes OPEN, and a reason that is not set the empty string."""
    return "" if reason == pb.REASON_UNSPECIFIED else pb.Reason.Name(reason).split("_", 1)[1]


def say(event: str, name: str, totals: Totals) -> None:
    line = {"event": event, "worker": name, **dataclasses.asdict(totals)}
    print(json.dumps(line), flush=True)


def listen(lines: queue.Queue[str]) -> None:
    """Hands on what is said to this worker; the empty line when there is no more."""
    for line in sys.stdin:
        lines.put(line.strip())
    lines.put("")


def complain(served: concurrent.futures.Future[None]) -> None:
    """An order that ends in an exception is lost, and should not be lost in silence."""
    if served.exception() is not None:
        traceback.print_exception(served.exception())


def line_before(due: float, lines: queue.Queue[str]) -> str | None:
    """What is said to this worker before it is `due` to do something; None if nothing is."""
    try:
        return lines.get(timeout=max(0.0, due - time.monotonic()))
    except queue.Empty:
        return None


def work(shop: Shop, name: str, lines: queue.Queue[str]) -> None:
    """Takes orders at the rate that it was told last, until stdin ends; then serves the rest."""
    numbers = itertools.count(1)
    report = time.monotonic()
    line = lines.get()
    with concurrent.futures.ThreadPoolExecutor(MAX_ORDERS_AT_ONCE) as pool:
        while line:
            period = 1 / float(line.removeprefix("rate "))
            # At random, so that the workers' orders do not all come at once.
            due = time.monotonic() + random.random() * period
            while (line := line_before(due, lines)) is None:
                pool.submit(shop.order, next(numbers)).add_done_callback(complain)
                due += period
                if time.monotonic() >= report:
                    say("count", name, shop.totals())
                    report = time.monotonic() + 1


def main() -> None:
    parser = argparse.ArgumentParser(description="A shop of the demo.")
    parser.add_argument("--name", required=True)
    parser.add_argument("--url", required=True, help="where the models are: + /sonnet")
    parser.add_argument("--fusebox", required=True, help="HOST:PORT")
    parser.add_argument("--chain", required=True, help="breakers, the best first")
    parser.add_argument("--max-wait", type=float, required=True, help="for an answer, in seconds")
    args = parser.parse_args()

    chain = args.chain.split(",")
    gate = Gate(args.fusebox, chain, args.max_wait, args.name)
    shop = Shop(args.name, args.url, chain, gate)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=listen, args=(lines,), daemon=True).start()
    say("ready", args.name, shop.totals())
    if lines.get() == "start":
        work(shop, args.name, lines)
    say("done", args.name, shop.totals())


if __name__ == "__main__":
    main()
