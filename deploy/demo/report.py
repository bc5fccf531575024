"""The table of the three runs, and the claims that the demo stands or falls with.

    runs = {"none": Run(...), "private": Run(...), "fusebox": Run(...)}
    print(table(runs, rules))
    for claim in claims(runs, rules): print(claim.line())
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import analysis

TITLES = {"none": "no breaker", "private": "private", "fusebox": "Fusebox"}


@dataclasses.dataclass(frozen=True)
class Rules:
    """The policy's numbers, and the share of the private breakers' calls that is claimed."""

    consecutive_failures: int
    max_probes: int
    open_duration_ms: int
    budget: analysis.Budget
    share: float


@dataclasses.dataclass(frozen=True)
class Run:
    """One outage, as nginx saw it."""

    mode: str  # A key of TITLES.
    calls: list[analysis.Call]
    killed_ms: int  # When the backend was killed.
    back_ms: int  # When it answered again.
    workers: tuple[str, ...]
    said: int  # Calls that the workers say they made, to be held against nginx.

    @property
    def failed(self) -> int:
        return len(analysis.failed(self.calls))

    @property
    def asked(self) -> bool:
        return self.mode != "none"

    @property
    def stopped_ms(self) -> int | None:
        return analysis.stopped_after_ms(self.calls, self.killed_ms, self.back_ms)

    @property
    def recovered_ms(self) -> int | None:
        return analysis.recovered_after_ms(self.calls, self.back_ms, self.workers)


@dataclasses.dataclass(frozen=True)
class Claim:
    """One promise, and what was found."""

    name: str
    holds: bool
    text: str

    def line(self) -> str:
        return f"  {'PASS' if self.holds else 'FAIL'}  {self.text}"


def print_claims(found: list[Claim]) -> None:
    print("\nClaims:")
    for claim in found:
        print(claim.line(), flush=True)


def _seconds(milliseconds: int | None) -> str:
    return "never" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def _list(numbers: list[int]) -> str:
    return " ".join(map(str, numbers)) or "none"


def _retries(run: Run, rules: Rules) -> str:
    sent, allowed = analysis.tightest_budget(run.calls, rules.budget)
    return f"{sent} of {allowed}"


def _rows(rules: Rules) -> list[tuple[str, Callable[[Run], str]]]:
    def if_asked(cell: Callable[[Run], str]) -> Callable[[Run], str]:
        return lambda run: cell(run) if run.asked else "-"

    return [
        ("length of the outage", lambda run: _seconds(run.back_ms - run.killed_ms)),
        ("calls that hit the dead upstream", lambda run: str(run.failed)),
        (
            "  until the first trip, all breakers",
            if_asked(lambda run: str(sum(analysis.first_trip(run.calls).values()))),
        ),
        (
            "  in later half-open periods",
            if_asked(lambda run: str(sum(analysis.later_periods(run.calls)))),
        ),
        ("time until every process stopped", lambda run: _seconds(run.stopped_ms)),
        (
            "probes per half-open period",
            if_asked(lambda run: _list(analysis.probes_per_period(run.calls))),
        ),
        (
            "most probes in flight at once",
            if_asked(lambda run: str(analysis.most_at_once(analysis.probes(run.calls)))),
        ),
        ("retries sent", lambda run: str(len(analysis.retries(run.calls)))),
        ("  against the budget, at its tightest", lambda run: _retries(run, rules)),
        ("time to full recovery", lambda run: _seconds(run.recovered_ms)),
        ("calls in all", lambda run: str(len(run.calls))),
    ]


def table(runs: Mapping[str, Run], rules: Rules) -> str:
    cells = [["", *(TITLES[mode] for mode in runs)]]
    cells += [[name, *(cell(run) for run in runs.values())] for name, cell in _rows(rules)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _costs(fusebox: Run, private: Run, rules: Rules) -> list[Claim]:
    first = sum(analysis.first_trip(fusebox.calls).values())
    # A worker makes one call at a time: when one failure trips, each other may have one out.
    in_flight = len(fusebox.workers) - 1
    later = analysis.later_periods(fusebox.calls)
    most = int(private.failed * rules.share)
    return [
        Claim(
            "first trip",
            0 < first <= rules.consecutive_failures + in_flight,
            f"the first trip cost {first} failed calls; at most {rules.consecutive_failures} "
            f"plus those in flight, which {len(fusebox.workers)} workers bound to {in_flight}",
        ),
        Claim(
            "later periods",
            len(later) >= 2 and max(later) <= rules.max_probes,
            f"{len(later)} later periods cost {_list(later)} failed calls; "
            f"at least two periods, at most {rules.max_probes} calls each",
        ),
        Claim(
            "share",
            fusebox.failed <= most,
            f"in all {fusebox.failed} calls hit the dead upstream; "
            f"at most {most}, {rules.share:.0%} of the {private.failed} of private breakers",
        ),
    ]


def _recovery(fusebox: Run, rules: Rules) -> list[Claim]:
    at_once = analysis.most_at_once(analysis.probes(fusebox.calls))
    # The wait that runs when the backend returns, and once more in case its probes came too early.
    bound_ms = 2 * rules.open_duration_ms + 1000
    recovered_ms = fusebox.recovered_ms
    return [
        Claim(
            "probes in flight",
            0 < at_once <= rules.max_probes,
            f"at most {at_once} probes were in flight at once; at most {rules.max_probes} may be",
        ),
        Claim(
            "recovery",
            recovered_ms is not None and recovered_ms <= bound_ms,
            f"every worker was served again after {_seconds(recovered_ms)}; "
            f"at most {_seconds(bound_ms)}",
        ),
    ]


def _retry_budget(runs: Mapping[str, Run], rules: Rules) -> Claim:
    sent, allowed = analysis.tightest_budget(runs["fusebox"].calls, rules.budget)
    return Claim(
        "retries",
        sent <= allowed,
        f"at its tightest the budget allowed {allowed} retries and {sent} were sent",
    )


def _sound(runs: Mapping[str, Run]) -> list[Claim]:
    asked = [run for run in runs.values() if run.asked]
    unasked = sum(not call.epoch for run in asked for call in run.calls)
    seen = {run.mode: len(run.calls) for run in runs.values()}
    said = {run.mode: run.said for run in runs.values()}
    return [
        Claim(
            "granted",
            unasked == 0,
            f"{unasked} calls went ahead without an answer from Fusebox; none may",
        ),
        Claim(
            "witness",
            seen == said,
            f"nginx saw {_list(list(seen.values()))} calls in the three runs and "
            f"the workers say {_list(list(said.values()))}; the same",
        ),
    ]


def claims(runs: Mapping[str, Run], rules: Rules) -> list[Claim]:
    """What must hold. The runs are those of TITLES."""
    fusebox = runs["fusebox"]
    return [
        *_costs(fusebox, runs["private"], rules),
        *_recovery(fusebox, rules),
        _retry_budget(runs, rules),
        *_sound(runs),
    ]
