"""Two acts with real upstreams and a real Fusebox: an outage, and a chain of fallbacks.

    deploy/demo/run
    deploy/demo/run --trace DIR      # records traces instead, without Fusebox

The outage kills and revives an upstream under a fleet of eight processes, three times over: first
nobody holds the fleet back, then every process has a breaker of its own, then all share one. The
chain is in chain/. Both print timelines, tables, and each claim with PASS or FAIL; the exit code is
1 if a claim failed and 2 if the demo could not be run. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import analysis
import report
import traces
from chain import act as chain
from fleet import Fleet
from processes import POLL_SECONDS, DemoError
from service import Service
from timeline import Sight, Timeline
from upstream import Upstream

BREAKER = "shop/checkout"
MATCH = "shop/**"
HARD_LIMIT_SECONDS = 140

RATE = 25  # Orders a second of each worker.
HEALTHY_SECONDS = 4
OUTAGE_SECONDS = 9  # Four half-open periods that fail.
RECOVERY_SECONDS = 12
CALM_SECONDS = 2  # What is shown of the time after the recovery.

RULES = report.Rules(
    consecutive_failures=5,
    max_probes=3,
    open_duration_ms=2000,
    budget=analysis.Budget(retry_ratio=0.1, min_retries_per_second=1, window_ms=10_000),
    share=0.4,
)

POLICY_FILE = f"""\
policies:
  - name: demo
    match: ["{MATCH}"]
    circuit_breaker:
      consecutive_failures: {RULES.consecutive_failures}
      failure_rate_threshold: 0
      open_duration: {RULES.open_duration_ms}ms
      max_probes: {RULES.max_probes}
      success_threshold: 2
      probe_timeout: 5s
    retry_budget:
      retry_ratio: {RULES.budget.retry_ratio}
      min_retries_per_second: {RULES.budget.min_retries_per_second}
      window: {RULES.budget.window_ms}ms
"""

INTRODUCTIONS = {
    "none": "Run 1 of 3, control: no breaker at all, each failed call is retried once.",
    "private": f"""Run 2 of 3, control: a private breaker per process. Each process asks Fusebox for
a breaker that no other process uses ({BREAKER}/<process>), under the same policy.""",
    "fusebox": f"Run 3 of 3: all processes share the breaker {BREAKER}.",
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """What all runs share."""

    commands: dict[str, Sequence[str]]
    upstream: Upstream
    service: Service
    out: pathlib.Path


class Outage:
    """One run: a healthy fleet, a dead backend, a recovered fleet."""

    def __init__(self, mode: str, stage: Stage) -> None:
        self._mode = mode
        self._stage = stage
        self._calls: list[analysis.Call] = []
        out = stage.out / mode
        out.mkdir()
        self._fleet = Fleet(stage.commands, self._flags, out)
        self._breakers = {self._breaker(worker) for worker in self._fleet.names}
        self._timeline = Timeline()

    def _breaker(self, worker: str) -> str:
        """The breaker that this worker asks."""
        return f"{BREAKER}/{worker}" if self._mode == "private" else BREAKER

    def _flags(self, worker: str) -> list[str]:
        flags = [f"--name={worker}", f"--url={self._stage.upstream.url}", f"--rate={RATE}"]
        if self._mode == "none":
            return flags
        address = self._stage.service.address
        return [*flags, f"--fusebox={address}", f"--breaker={self._breaker(worker)}"]

    def run(self) -> report.Run:
        upstream = self._stage.upstream
        print(f"\n{INTRODUCTIONS[self._mode]}\n", flush=True)
        with self._fleet as fleet:
            fleet.start()
            self._timeline.start()
            self._watch(HEALTHY_SECONDS)
            self._need_all_served()
            killed_ms = _now_ms()
            upstream.kill_backend()
            self._timeline.note("backend killed")
            self._watch(OUTAGE_SECONDS)
            upstream.start_backend()
            back_ms = _now_ms()
            self._timeline.note("backend back")
            # Whether it recovered is for the claims to say.
            self._watch(RECOVERY_SECONDS, until=lambda: self._recovered(back_ms))
            self._watch(CALM_SECONDS)
            said = fleet.stop()
        self._read()
        return report.Run(self._mode, self._calls, killed_ms, back_ms, fleet.names, said)

    def _read(self) -> list[analysis.Call]:
        calls = self._stage.upstream.read()
        self._calls += calls
        return calls

    def _need_all_served(self) -> None:
        served = {call.worker for call in self._calls if call.ok}
        idle = [name for name in self._fleet.names if name not in served]
        if idle or analysis.failed(self._calls):
            raise DemoError(
                f"before the outage {len(analysis.failed(self._calls))} calls failed and these "
                f"workers were not served: {', '.join(idle) or 'none'}; look into {self._stage.out}"
            )

    def _recovered(self, back_ms: int) -> bool:
        names = self._fleet.names
        return analysis.recovered_after_ms(self._calls, back_ms, names) is not None

    def _watch(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Shows the fleet for so long, or until something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            for child in [*self._fleet.children, self._stage.service.child]:
                child.check()
            self._look()
            time.sleep(POLL_SECONDS)

    def _look(self) -> None:
        service = self._stage.service
        breaker = "-" if self._mode == "none" else service.states(self._breakers)
        for change in service.take_changes(self._breakers if self._mode == "fusebox" else ()):
            self._timeline.note(change)
        up, refused = self._stage.upstream.up, self._fleet.total("refused")
        self._timeline.see(Sight(self._read(), up, breaker, refused))


def _now_ms() -> int:
    # The wall clock, because nginx stamps its log with it.
    return time.time_ns() // 1_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="An outage and a chain, under real processes.")
    parser.add_argument("--server", required=True, help="Fusebox's server")
    parser.add_argument("--cpp", required=True, help="the worker in C++")
    parser.add_argument("--go", required=True, help="the worker in Go")
    parser.add_argument("--node", required=True, help="the worker in Node, set up to run")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="a new folder for the logs")
    parser.add_argument("--act", choices=ACTS, help="only this one")
    parser.add_argument(
        "--trace", type=pathlib.Path, metavar="DIR", help="only write traces for simulate there"
    )
    return parser.parse_args()


def _workers(args: argparse.Namespace) -> dict[str, Sequence[str]]:
    """How the worker of each language is run."""
    here = pathlib.Path(__file__).parent
    return {
        "cpp": [args.cpp],
        "python": [sys.executable, str(here / "python" / "worker.py")],
        "go": [args.go],
        "node": ["node", args.node],
    }


def _outage(args: argparse.Namespace, out: pathlib.Path) -> list[report.Claim]:
    out.mkdir(parents=True)
    with Upstream(out) as upstream, Service(args.server, MATCH, POLICY_FILE, out) as service:
        upstream.start()
        service.start()
        stage = Stage(_workers(args), upstream, service, out)
        runs = {mode: Outage(mode, stage).run() for mode in report.TITLES}
    print(f"\nCounted from nginx's access log:\n\n{report.table(runs, RULES)}", flush=True)
    return report.claims(runs, RULES)


def _chain(args: argparse.Namespace, out: pathlib.Path) -> list[report.Claim]:
    return chain.run(args.server, out)


ACTS = {"outage": _outage, "chain": _chain}


def _demo(args: argparse.Namespace) -> int:
    """Shows the acts, or records traces, and returns the exit code."""
    if args.trace is not None:
        logs = args.out.resolve() / "traces"
        logs.mkdir(parents=True)
        traces.record(_workers(args), RATE, logs, args.trace)
        return 0
    claims = []
    for name, show in ACTS.items():
        if args.act in (None, name):
            print(f"\n=== The {name} ===", flush=True)
            found = show(args, args.out.resolve() / name)
            report.print_claims(found)
            claims += found
    failed = sum(not claim.holds for claim in claims)
    print(f"\n{len(claims) - failed} of {len(claims)} claims hold.", flush=True)
    return 1 if failed else 0


SIGNALS = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)


def _give_up(number: int, _: FrameType | None) -> None:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # One is enough; the next would stop the clean-up.
    reason = {
        signal.SIGALRM: f"not done within {HARD_LIMIT_SECONDS} s; is the machine busy?",
        signal.SIGINT: "interrupted",
    }.get(number, "terminated")
    raise DemoError(reason)


def main() -> int:
    args = _arguments()
    # Everything is on loopback: no proxy may come between.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1"
    # The server reads these; here its flags and its file are all that counts.
    for name in [name for name in os.environ if name.startswith("FUSEBOX_")]:
        del os.environ[name]
    for number in SIGNALS:
        signal.signal(number, _give_up)
    signal.alarm(HARD_LIMIT_SECONDS)
    try:
        return _demo(args)
    except DemoError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
