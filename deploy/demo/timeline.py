"""The timeline of a run: one line a second.

    timeline = Timeline()
    timeline.start()
    timeline.see(Sight(calls, up=True, breaker="closed", refused=0))    # often
    timeline.note("backend killed")
"""

from __future__ import annotations

import dataclasses
import time

import analysis

# Looks are 50 ms apart, but for the start of the backend: after so long the machine was too busy.
STALL_SECONDS = 2


@dataclasses.dataclass(frozen=True)
class Sight:
    """What there is to see at one moment."""

    calls: list[analysis.Call]  # Those that nginx logged since the last look.
    up: bool  # Whether the backend runs.
    breaker: str  # Where the breaker stands, or how many breakers stand where.
    refused: int  # Calls that the workers say were refused, since their start.


class Timeline:
    """Prints. For another act, override `header` and `row`."""

    header = "  backend  breaker                       ok  failed  probes  retries  refused"

    def __init__(self) -> None:
        self._begin = 0.0
        self._looked = 0.0
        self._second = 0
        self._calls: list[analysis.Call] = []
        self._notes: list[str] = []
        self._refused = 0

    def start(self) -> None:
        """Begins to count seconds."""
        self._begin = self._looked = time.monotonic()
        print(f"    s{self.header}  events", flush=True)

    def note(self, text: str) -> None:
        """Adds an event to the line of this second."""
        self._notes.append(f"{time.monotonic() - self._begin:.1f} {text}")

    def see(self, sight: Sight) -> None:
        """Adds what there is to see to the line of this second, and prints it once it is over."""
        self._calls += sight.calls
        now = time.monotonic()
        if now - self._looked > STALL_SECONDS:
            self.note(f"the machine stood still for {now - self._looked:.1f} s")
        self._looked = now
        if now - self._begin >= self._second + 1:
            self._second += 1
            self._print(sight)

    def row(self, calls: list[analysis.Call], sight: Sight) -> str:
        """What to print of one second below `header`: its calls, and what was seen at its end."""
        failed = len(analysis.failed(calls))
        refused = sight.refused - self._refused
        self._refused = sight.refused
        backend = "up" if sight.up else "DOWN"
        return (
            f"  {backend:7}  {sight.breaker:26}{len(calls) - failed:6}  {failed:6}  "
            f"{len(analysis.probes(calls)):6}  {len(analysis.retries(calls)):7}  {refused:7}"
        )

    def _print(self, sight: Sight) -> None:
        line = f"  {self._second:3}{self.row(self._calls, sight)}"
        print(f"{line}  {', '.join(self._notes)}".rstrip(), flush=True)
        self._calls = []
        self._notes = []
