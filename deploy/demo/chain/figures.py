"""Figures of the chain, counted from nginx's access log and from nothing else.

    calls = parse(open("access.log"))
    closed_off(calls)               # when sonnet was to be left alone
    intruders(calls)                # who called it nevertheless
    reasons(calls)                  # whom Fusebox passed over, and why

A log line says what nginx saw of a call, and in its headers what Fusebox had answered before it.
Times are integer milliseconds of the wall clock, as nginx writes them. Everything here is a pure
function of the log's lines.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterable

SONNET, HAIKU, QUEUE = CHAIN = ("llm/sonnet", "llm/haiku", "llm/queue")

# How long after sonnet closed off a call may arrive that was granted before: Fusebox hears of a 429
# a moment after nginx has sent it, and an answer to Allow takes a moment to become a call. Usually
# a few milliseconds; long, as the machine may be busy, and short beside a Retry-After.
IN_FLIGHT_MS = 500

# nginx stamps calls with the time its event loop last looked at the clock, and the clock may be
# steered while Fusebox's is not: a call may seem this much too early.
EARLY_MS = 5

# Who had to wait for a decision. One that is made at once takes a few milliseconds.
WAITED_MS = 50


@dataclasses.dataclass(frozen=True)
class Call:
    """One call that reached nginx."""

    start_ms: int
    end_ms: int
    status: int
    retry_after_ms: int  # What nginx sent with it; 0 without.
    upstream: str  # What was called, by its breaker's name: one of CHAIN.
    worker: str
    order: str  # The same for all calls of one order.
    breaker: str  # Who granted the call; empty if Fusebox gave no answer.
    epoch: int  # The breaker's epoch in which it was granted.
    refused: tuple[tuple[str, str], ...]  # The breakers that refused before, and why.
    waited_ms: int  # How long Allow took.

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def asked_ms(self) -> int:
        """When Fusebox was asked."""
        return self.start_ms - self.waited_ms


@dataclasses.dataclass(frozen=True)
class ClosedOff:
    """A time in which sonnet was to be left alone."""

    from_ms: int  # The end of the first 429 of an epoch: Fusebox opened the breaker after it,
    until_ms: int  # and so not before this is the Retry-After over.
    epoch: int


def parse(lines: Iterable[str]) -> list[Call]:
    """Reads log lines, in the order of their start. A line that is no call is a ValueError."""
    return sorted((_call(line) for line in lines), key=lambda call: call.start_ms)


def _call(line: str) -> Call:
    try:
        row = json.loads(line)
        end_ms = round(float(row["end"]) * 1000)
        return Call(
            start_ms=end_ms - round(float(row["took"]) * 1000),
            end_ms=end_ms,
            status=int(row["status"]),
            retry_after_ms=int(row["retry_after"] or 0) * 1000,
            upstream="llm" + row["path"],
            worker=row["worker"],
            order=row["order"],
            breaker=row["breaker"],
            epoch=int(row["epoch"] or 0),
            refused=_refused(row["refused"]),
            waited_ms=int(row["waited_ms"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"access log: {line.strip()!r} is no call ({error}); compare log_format in "
            "chain/models.py"
        ) from error


def _refused(header: str) -> tuple[tuple[str, str], ...]:
    """Reads "llm/sonnet=OPEN, llm/haiku=BULKHEAD"."""
    pairs = []
    for item in filter(None, header.split(", ")):
        breaker, reason = item.split("=")
        pairs.append((breaker, reason))
    return tuple(pairs)


def of(upstream: str, calls: Iterable[Call]) -> list[Call]:
    """Those that went there."""
    return [call for call in calls if call.upstream == upstream]


def answered(calls: Iterable[Call]) -> dict[str, int]:
    """How many orders each of CHAIN answered."""
    counts = collections.Counter(call.upstream for call in calls if call.ok)
    return {upstream: counts[upstream] for upstream in CHAIN}


def orders_answered_once(calls: Iterable[Call]) -> int:
    """How many orders were answered by one of CHAIN and by one only."""
    answers = collections.Counter(call.order for call in calls if call.ok)
    return sum(count == 1 for count in answers.values())


def too_many(calls: Iterable[Call]) -> list[Call]:
    """The calls that were answered 429."""
    return [call for call in calls if call.status == 429]


def closed_off(calls: Iterable[Call]) -> list[ClosedOff]:
    """The times in which sonnet was to be left alone, one for each epoch that ended with a 429.

    What else of that epoch is answered 429 was in flight, and lengthens nothing.
    """
    first: dict[int, Call] = {}
    for call in too_many(of(SONNET, calls)):
        if call.epoch and call.retry_after_ms:
            first[call.epoch] = min(first.get(call.epoch, call), call, key=lambda one: one.end_ms)
    spans = [
        ClosedOff(call.end_ms, call.end_ms + call.retry_after_ms, epoch)
        for epoch, call in first.items()
    ]
    return sorted(spans, key=lambda span: span.from_ms)


def _within(calls: Iterable[Call]) -> list[tuple[Call, ClosedOff]]:
    calls = list(calls)
    spans = closed_off(calls)
    return [
        (call, span)
        for call in of(SONNET, calls)
        for span in spans
        if span.from_ms < call.start_ms < span.until_ms - EARLY_MS
    ]


def _was_in_flight(call: Call, span: ClosedOff) -> bool:
    """Whether it was granted before the breaker opened, and came at once."""
    return call.epoch == span.epoch and call.start_ms <= span.from_ms + IN_FLIGHT_MS


def in_flight(calls: Iterable[Call]) -> list[Call]:
    """Calls that reached sonnet while it was closed off, but were granted before."""
    return [call for call, span in _within(calls) if _was_in_flight(call, span)]


def intruders(calls: Iterable[Call]) -> list[Call]:
    """Calls that reached sonnet while it was closed off, and should not have been granted."""
    return [call for call, span in _within(calls) if not _was_in_flight(call, span)]


def misled(calls: Iterable[Call]) -> list[Call]:
    """Calls that nobody granted, or that went elsewhere than to whom granted them."""
    return [call for call in calls if not call.epoch or call.breaker != call.upstream]


def reasons(calls: Iterable[Call]) -> dict[str, collections.Counter[str]]:
    """Why each of CHAIN was passed over, and how often."""
    counts: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in CHAIN}
    for call in calls:
        for breaker, reason in call.refused:
            counts.setdefault(breaker, collections.Counter())[reason] += 1
    return counts


def unexplained(calls: Iterable[Call]) -> list[Call]:
    """Calls that were granted by a fallback without a reason for each breaker before it."""
    return [
        call
        for call in calls
        if call.breaker in CHAIN
        and not {name for name, reason in call.refused if reason}.issuperset(
            CHAIN[: CHAIN.index(call.breaker)]
        )
    ]


def waited(calls: Iterable[Call]) -> list[int]:
    """How long each call waited for its turn that had to, in milliseconds."""
    return [call.waited_ms for call in calls if call.waited_ms >= WAITED_MS]


def back_after_ms(calls: Iterable[Call]) -> int | None:
    """How long after the last 429 sonnet answered again; None if it did not."""
    calls = of(SONNET, calls)
    last = max((call.end_ms for call in too_many(calls)), default=None)
    if last is None:
        return None
    ends = [call.end_ms for call in calls if call.ok and call.start_ms > last + IN_FLIGHT_MS]
    return min(ends) - last if ends else None


def elsewhere(calls: Iterable[Call], since_ms: int) -> tuple[int, int]:
    """Of the calls that were asked for since then: how many there were, and not to sonnet."""
    late = [call for call in calls if call.asked_ms >= since_ms]
    return len(late), len(late) - len(of(SONNET, late))
