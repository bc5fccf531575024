"""Records what a fleet lives through that nobody holds back, as `fuseboxctl simulate` reads it.

    traces.record(commands, 25, logs, folder)    # writes folder/outage.csv, folder/brownout.csv

A trace has a row for each call that reached nginx, in the order of their starts. It is made of the
access log alone. Without a breaker no call is missing in it, so that any policy can be tried on it.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence

import analysis
from fleet import Fleet
from processes import DemoError
from upstream import Upstream

HEADER = "time,client,outcome,latency,attempt"

HEALTHY_SECONDS = 4
TROUBLE_SECONDS = 9
CALM_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Trouble with the backend, and how it begins and ends."""

    name: str
    begin: Callable[[Upstream], None]
    end: Callable[[Upstream], None]


SCENARIOS = (
    Scenario("outage", Upstream.kill_backend, Upstream.start_backend),
    Scenario(
        "brownout",
        lambda upstream: upstream.brown_out(True),
        lambda upstream: upstream.brown_out(False),
    ),
)


def rows(calls: Sequence[analysis.Call]) -> list[str]:
    """The lines of a trace; times are seconds since the first call."""
    begin_ms = calls[0].start_ms if calls else 0
    return [HEADER] + [
        f"{(call.start_ms - begin_ms) / 1000:.3f},{call.worker},{call.status},"
        f"{(call.end_ms - call.start_ms) / 1000:.3f},{call.attempt}"
        for call in calls
    ]


def record(
    commands: Mapping[str, Sequence[str]], rate: float, out: pathlib.Path, folder: pathlib.Path
) -> None:
    """Lives through each scenario; logs go to `out`, traces to `folder`. Takes 40 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    with Upstream(out) as upstream:
        upstream.start()
        for scenario in SCENARIOS:
            calls = _live_through(scenario, commands, rate, upstream, out / scenario.name)
            path = folder / f"{scenario.name}.csv"
            path.write_text("\n".join(rows(calls)) + "\n", encoding="utf-8")
            failed = len(analysis.failed(calls))
            print(f"{path}: {len(calls)} calls, of which {failed} failed", flush=True)


def _live_through(
    scenario: Scenario,
    commands: Mapping[str, Sequence[str]],
    rate: float,
    upstream: Upstream,
    out: pathlib.Path,
) -> list[analysis.Call]:
    out.mkdir()

    def flags(worker: str) -> list[str]:
        return [f"--name={worker}", f"--url={upstream.url}", f"--rate={rate}"]

    with Fleet(commands, flags, out) as fleet:
        fleet.start()
        time.sleep(HEALTHY_SECONDS)
        scenario.begin(upstream)
        time.sleep(TROUBLE_SECONDS)
        scenario.end(upstream)
        time.sleep(CALM_SECONDS)
        said = fleet.stop()
    calls = upstream.read()
    if len(calls) != said:
        raise DemoError(
            f"{scenario.name}: nginx logged {len(calls)} calls and the workers say they made "
            f"{said}; look into {out}"
        )
    return calls
