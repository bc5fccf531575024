"""A fleet that keeps a server busy, so that there is something to see: five clients call four
dependencies, of which one is down for a minute out of four.

    python3 fleet.py http://fusebox:7401

It asks and tells over HTTP with nothing but the standard library. Without an answer it calls.
"""

import http.client
import json
import random
import sys
import threading
import time
import urllib.request

CLIENTS = 5
CALLS_PER_SECOND = 20  # Of each client.
PERIOD_S, DOWN_S = 240, 60
SICK = "payments.v1.ChargeService/Charge"
# Each dependency and the share of its calls that fails on a good day.
USUALLY = {"db/orders": 0.001, "search/suggest": 0.15, "mail/smtp": 0.01, SICK: 0.005}
RPC_S = 0.5


def ask(base, method, request):
    """The answer; empty, which is no refusal, if there is none."""
    call = urllib.request.Request(
        f"{base}/fusebox.v1.BreakerService/{method}",
        json.dumps(request).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(call, timeout=RPC_S) as response:
            return json.load(response)
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        return {}


def is_down():
    return time.time() % PERIOD_S > PERIOD_S - DOWN_S


def call_dependency(name):
    """How a call ends: an HTTP status, and after how many seconds."""
    fails = 0.9 if name == SICK and is_down() else USUALLY[name]
    return (503 if random.random() < fails else 200), random.uniform(0.002, 0.05)


def work(base, client):
    while True:
        name = random.choice(list(USUALLY))
        answer = ask(base, "Allow", {"breaker": name, "client": client})
        if answer.get("decision") != "DECISION_DENIED":
            status, seconds = call_dependency(name)
            ended = {"breaker": name, "client": client, "permit": answer.get("permit", "")}
            ask(base, "Record", ended | {"httpStatus": status, "latency": f"{seconds:.3f}s"})
        time.sleep(random.expovariate(CALLS_PER_SECOND))


def main():
    base = sys.argv[1].rstrip("/")
    workers = [
        threading.Thread(target=work, args=(base, f"checkout-{i}"), daemon=True)
        for i in range(CLIENTS)
    ]
    for worker in workers:
        worker.start()
    print(f"{CLIENTS} clients call {', '.join(USUALLY)}; {SICK} is down {DOWN_S} s of {PERIOD_S}")
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
