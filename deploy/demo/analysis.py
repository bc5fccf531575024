"""Figures of one run, counted from nginx's access log and from nothing else.

    calls = parse(open("access.log"))
    failed(calls)                    # calls that hit the dead upstream
    first_trip(calls), later_periods(calls)
    most_at_once(probes(calls))

nginx is the witness: it stands between the workers and the backend and knows nothing of breakers.
Times are integer milliseconds of the wall clock, as nginx writes them. Everything here is a pure
function of the log's lines.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable

# nginx stamps calls with the time its event loop last looked at the clock, so that two stamps in a
# row may be this far off. Calls that overlap by no more than this count as one after the other.
CLOCK_GRAIN_MS = 1


@dataclasses.dataclass(frozen=True)
class Call:
    """One call that reached nginx."""

    start_ms: int
    end_ms: int
    status: int  # HTTP's, as the worker got it.
    ok: bool
    worker: str
    attempt: int  # 1 is the first; more is a retry.
    breaker: str  # Who granted the call; empty if nobody was asked.
    epoch: int  # The breaker's epoch in which it was granted; 0 if nobody granted it.
    probe: bool


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a retry budget allows: Finagle's rule."""

    retry_ratio: float
    min_retries_per_second: int
    window_ms: int


def parse(lines: Iterable[str]) -> list[Call]:
    """Reads log lines, in the order of their start. A line that is no call is a ValueError."""
    return sorted((_call(line) for line in lines), key=lambda call: call.start_ms)


def _call(line: str) -> Call:
    try:
        row = json.loads(line)
        end_ms = round(float(row["end"]) * 1000)
        status = int(row["status"])
        return Call(
            start_ms=end_ms - round(float(row["took"]) * 1000),
            end_ms=end_ms,
            status=status,
            ok=status < 500,
            worker=row["worker"],
            attempt=int(row["attempt"]),
            breaker=row["breaker"],
            epoch=int(row["epoch"] or 0),
            probe=row["probe"] == "1",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"access log: {line.strip()!r} is no call ({error}); compare log_format in upstream.py"
        ) from error


def failed(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if not call.ok]


def probes(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.probe]


def retries(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.attempt > 1]


def _by_epoch(calls: Iterable[Call]) -> dict[str, list[list[Call]]]:
    """The granted calls of each breaker, one list per epoch, oldest epoch first."""
    groups: dict[str, dict[int, list[Call]]] = {}
    for call in calls:
        if call.breaker and not call.epoch:
            continue  # Went ahead without an answer: it belongs to no epoch.
        groups.setdefault(call.breaker, {}).setdefault(call.epoch, []).append(call)
    return {name: [epochs[key] for key in sorted(epochs)] for name, epochs in groups.items()}


def first_trip(calls: Iterable[Call]) -> dict[str, int]:
    """Failed calls of each breaker in the first epoch that had any: what it cost to notice."""
    return {name: len(epochs[0]) for name, epochs in _by_epoch(failed(calls)).items()}


def later_periods(calls: Iterable[Call]) -> list[int]:
    """Failed calls in each epoch after a breaker's first trip: what it cost to look again."""
    groups = _by_epoch(failed(calls)).values()
    return [len(epoch) for epochs in groups for epoch in epochs[1:]]


def probes_per_period(calls: Iterable[Call]) -> list[int]:
    """Probes in the first half-open period of all breakers together, in their second, and so on."""
    periods = [[len(epoch) for epoch in epochs] for epochs in _by_epoch(probes(calls)).values()]
    return [sum(column) for column in itertools.zip_longest(*periods, fillvalue=0)]


def most_at_once(calls: Iterable[Call]) -> int:
    """The most calls that nginx had open at one moment."""
    calls = list(calls)

    def open_with(call: Call) -> int:
        moment = call.start_ms + CLOCK_GRAIN_MS
        return sum(
            other is call or (other.start_ms <= call.start_ms and other.end_ms > moment)
            for other in calls
        )

    return max(map(open_with, calls), default=0)


def stopped_after_ms(calls: Iterable[Call], killed_ms: int, back_ms: int) -> int | None:
    """How long after the kill the last process sent its last ordinary call to the dead upstream.

    None if some process still called in the last second of the outage: it never stopped.
    """
    ends = [call.end_ms for call in failed(calls) if not call.probe]
    last = max(ends, default=killed_ms)
    return None if last > back_ms - 1000 else max(0, last - killed_ms)


def recovered_after_ms(calls: Iterable[Call], back_ms: int, workers: Iterable[str]) -> int | None:
    """How long after the backend's return every worker had an ordinary call succeed.

    None if some worker had none.
    """
    first: dict[str, int] = {}
    for call in calls:
        if call.ok and not call.probe and call.start_ms >= back_ms:
            first[call.worker] = min(call.end_ms, first.get(call.worker, call.end_ms))
    if any(worker not in first for worker in workers):
        return None
    return max(first.values()) - back_ms


def tightest_budget(calls: Iterable[Call], budget: Budget) -> tuple[int, int]:
    """Retries sent and allowed at the retry where, of all breakers, least was left.

    Fusebox ages tokens in ten slots and sees a call some milliseconds before or after nginx. So
    retries are summed over one slot less than the window and deposits over one slot more: what
    exceeds that, exceeds the budget.
    """
    slot_ms = budget.window_ms // 10
    reserve = budget.min_retries_per_second * budget.window_ms // 1000
    uses = []
    for epochs in _by_epoch(calls).values():
        own = list(itertools.chain.from_iterable(epochs))
        sent = [call.start_ms for call in retries(own)]
        earned = [call.end_ms for call in own if call.ok and call.attempt == 1]
        for now in sent:
            count = sum(now - budget.window_ms + slot_ms < at <= now for at in sent)
            deposits = sum(now - budget.window_ms - slot_ms < at <= now for at in earned)
            allowed = reserve + int(deposits * budget.retry_ratio)
            uses.append((count, allowed))
    return max(uses, key=lambda use: use[0] - use[1], default=(0, reserve))
