"""The table of the chain, and the claims that it stands or falls with.

    print(table(run))
    for claim in claims(run, rules): print(claim.line())
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

import analysis
from chain import figures
from report import Claim

# What the models are called in a sentence.
SHORT = {name: name.rsplit("/", 1)[1] for name in figures.CHAIN}


@dataclasses.dataclass(frozen=True)
class Rules:
    """The policies' numbers that the claims are about."""

    max_concurrent: int  # Of haiku.
    max_wait_ms: int  # Of each order.


@dataclasses.dataclass(frozen=True)
class Run:
    """One rush, as nginx saw it."""

    calls: list[figures.Call]
    end_ms: int  # When no more orders were taken.
    orders: int  # Orders that the workers say they took, and
    said: int  # calls that they say they made, to be held against nginx.


# Of the last calm, this much at the end is when all is as before.
SETTLED_MS = 1000

# From the end of a Retry-After until sonnet answers: the next order, a probe, and some delay.
BACK_MS = 1000


def _seconds(milliseconds: int | None) -> str:
    return "never" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def _each(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{SHORT[name]} {count}" for name, count in counts.items())


def _why(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common()) or "-"


def at_haiku(calls: list[figures.Call]) -> int:
    """The most calls that were open at haiku at one moment."""
    return analysis.most_at_once(figures.of(figures.HAIKU, calls))


def table(run: Run) -> str:
    """A row for each of the chain."""
    answered = figures.answered(run.calls)
    reasons = figures.reasons(run.calls)
    cells = [["", "calls", "answered", "429", "most at once", "passed over because"]]
    for name in figures.CHAIN:
        calls = figures.of(name, run.calls)
        numbers = [
            len(calls),
            answered[name],
            len(figures.too_many(calls)),
            analysis.most_at_once(calls),
        ]
        cells.append([name, *map(str, numbers), _why(reasons[name])])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *numbers, last in cells:
        middle = [cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *middle, last]).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _sonnet(run: Run) -> list[Claim]:
    spans = figures.closed_off(run.calls)
    intruders = figures.intruders(run.calls)
    closed_ms = sum(span.until_ms - span.from_ms for span in spans)
    back_ms = figures.back_after_ms(run.calls)
    asked_for_ms = max((span.until_ms - span.from_ms for span in spans), default=0)
    late, elsewhere = figures.elsewhere(run.calls, run.end_ms - SETTLED_MS)
    return [
        Claim(
            "closed off",
            len(spans) >= 2 and not intruders,
            f"{len(spans)} times a Retry-After closed sonnet off, {_seconds(closed_ms)} in all, "
            f"and {len(intruders)} calls came nevertheless; at least twice, and none but those in "
            f"flight, which were {len(figures.in_flight(run.calls))}",
        ),
        Claim(
            "used again",
            back_ms is not None and back_ms <= asked_for_ms + BACK_MS,
            f"sonnet answered again {_seconds(back_ms)} after its last 429; "
            f"at most {_seconds(asked_for_ms + BACK_MS)}",
        ),
        Claim(
            "settled",
            late > 0 and elsewhere == 0,
            f"of the {late} calls of the last second {elsewhere} went elsewhere; "
            "at least one call, all to sonnet",
        ),
    ]


def _fallbacks(run: Run, rules: Rules) -> list[Claim]:
    at_once = at_haiku(run.calls)
    reasons = figures.reasons(run.calls)
    closed, full = reasons[figures.SONNET]["OPEN"], reasons[figures.HAIKU]["BULKHEAD"]
    unexplained = figures.unexplained(run.calls)
    waited = figures.waited(run.calls)
    longest_ms = max(waited, default=0)
    return [
        Claim(
            "bulkhead",
            0 < at_once <= rules.max_concurrent,
            f"at most {at_once} calls were open at haiku at once; "
            f"at most {rules.max_concurrent} may be",
        ),
        Claim(
            "reasons",
            closed > 0 and full > 0 and not unexplained,
            f"sonnet was passed over as OPEN {closed} times and haiku for its BULKHEAD {full} "
            f"times; both some, and {len(unexplained)} fallbacks without such a reason, none",
        ),
        Claim(
            "waited",
            bool(waited) and longest_ms <= rules.max_wait_ms + figures.WAITED_MS,
            f"{len(waited)} calls waited for their turn, {_seconds(longest_ms)} the longest; "
            f"some, and at most {_seconds(rules.max_wait_ms)}",
        ),
    ]


def _sound(run: Run) -> list[Claim]:
    answered = figures.answered(run.calls)
    once = figures.orders_answered_once(run.calls)
    misled = figures.misled(run.calls)
    return [
        Claim(
            "answered",
            once == run.orders == sum(answered.values()),
            f"of {run.orders} orders {once} were answered, each once; all",
        ),
        Claim("all used", all(answered.values()), f"by {_each(answered)}; all three, some"),
        Claim(
            "granted",
            not misled,
            f"{len(misled)} calls went where Fusebox had not sent them; none may",
        ),
        Claim(
            "witness",
            len(run.calls) == run.said,
            f"nginx saw {len(run.calls)} calls and the workers say {run.said}; the same",
        ),
    ]


def claims(run: Run, rules: Rules) -> list[Claim]:
    """What must hold."""
    return [*_sonnet(run), *_fallbacks(run, rules), *_sound(run)]
