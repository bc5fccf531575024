"""The second act: a rush of orders, and a chain of three who can answer them.

    claims = run("build/release/server/fusebox", out)

A shop asks llm/sonnet, else llm/haiku, else llm/queue. Few orders come, then many for a while, then
few again. Prints a timeline and a table; ../README.md says how to read them.
"""

from __future__ import annotations

import pathlib
import sys
import time

import report as claims_of
from chain import figures, models, report
from chain.timeline import ChainTimeline, Sight
from fleet import Fleet
from processes import POLL_SECONDS
from service import Service

WORKERS = 4

# Orders a second of each worker, and for how many seconds. The rush is over what sonnet's provider
# grants, and while sonnet is closed off also over what the others can take: some orders wait.
CALM_RATE, RUSH_RATE = 2, 12
CALM_SECONDS, RUSH_SECONDS, LAST_CALM_SECONDS = 2, 8, 4

QUEUE_RATE, QUEUE_BURST = 20, 5
MAX_WAIT_SECONDS = 8

RULES = report.Rules(max_concurrent=4, max_wait_ms=MAX_WAIT_SECONDS * 1000)

POLICY_FILE = f"""\
policies:
  - name: sonnet
    match: ["{figures.SONNET}"]
    circuit_breaker:
      honor_retry_after: true       # "429, Retry-After: 2" opens it for two seconds.
      failure_rate_threshold: 0     # Nothing else does, so that the act shows one thing.
      consecutive_failures: 0
      probe_timeout: 5s
  - name: haiku
    match: ["{figures.HAIKU}"]
    bulkhead:
      max_concurrent: {RULES.max_concurrent}
      lease_timeout: 5s
  - name: queue
    match: ["{figures.QUEUE}"]
    rate_limit:
      rate: {QUEUE_RATE}
      burst: {QUEUE_BURST}
"""

INTRODUCTION = f"""\
Each order asks one question, Allow of llm/sonnet, else of llm/haiku, else of llm/queue, and goes to
whoever the answer names.
  sonnet  Its provider grants {models.PROVIDER_RATE} calls a second; to more it answers 429 with
          Retry-After: {models.RETRY_AFTER_SECONDS}, which closes it off for all workers.
  haiku   Is slow, so at most {RULES.max_concurrent} calls may be out at once.
  queue   Takes {QUEUE_RATE} orders a second.
An order that nobody can take just now waits for its turn at haiku, {MAX_WAIT_SECONDS} s at most.
"""


class Chain:
    """One run: few orders, many, few."""

    def __init__(self, upstreams: models.Models, service: Service, out: pathlib.Path) -> None:
        self._upstreams = upstreams
        self._service = service
        self._calls: list[figures.Call] = []
        self._timeline = ChainTimeline()
        worker = str(pathlib.Path(__file__).with_name("worker.py"))
        self._fleet = Fleet({"shop": [sys.executable, worker]}, self._flags, out, each=WORKERS)

    def _flags(self, worker: str) -> list[str]:
        return [
            f"--name={worker}",
            f"--url={self._upstreams.url}",
            f"--fusebox={self._service.address}",
            f"--chain={','.join(figures.CHAIN)}",
            f"--max-wait={MAX_WAIT_SECONDS}",
        ]

    def run(self) -> report.Run:
        with self._fleet as fleet:
            fleet.start()
            self._timeline.start()
            self._orders(CALM_RATE, CALM_SECONDS, "few orders")
            self._orders(RUSH_RATE, RUSH_SECONDS, "the rush")
            self._orders(CALM_RATE, LAST_CALM_SECONDS, "few orders")
            end_ms = _now_ms()
            said = fleet.stop()
        self._read()
        return report.Run(self._calls, end_ms, fleet.total("orders"), said)

    def _orders(self, rate: int, seconds: float, note: str) -> None:
        """So many orders a second of each worker, for so long."""
        self._timeline.note(note)
        self._fleet.tell(f"rate {rate}")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for child in [*self._fleet.children, *self._upstreams.children, self._service.child]:
                child.check()
            self._look()
            time.sleep(POLL_SECONDS)

    def _look(self) -> None:
        for change in self._service.take_changes([figures.SONNET]):
            self._timeline.note(change)
        sonnet = self._service.states([figures.SONNET])
        self._timeline.see(Sight(self._read(), sonnet, self._fleet.total("refused")))

    def _read(self) -> list[figures.Call]:
        calls = self._upstreams.read()
        self._calls += calls
        return calls


def _now_ms() -> int:
    # The wall clock, because nginx stamps its log with it.
    return time.time_ns() // 1_000_000


def run(server: str, out: pathlib.Path) -> list[claims_of.Claim]:
    """Shows the act and returns what it claims. `out` is a folder that does not exist."""
    out.mkdir(parents=True)
    print(f"\n{INTRODUCTION}", flush=True)
    with models.Models(out) as upstreams, Service(server, "llm/**", POLICY_FILE, out) as service:
        upstreams.start()
        service.start()
        ran = Chain(upstreams, service, out).run()
    print(f"\nCounted from nginx's access log:\n\n{report.table(ran)}", flush=True)
    return report.claims(ran, RULES)
