"""The timeline of the chain: one line a second."""

from __future__ import annotations

import dataclasses

import timeline
from chain import figures


@dataclasses.dataclass(frozen=True)
class Sight:
    """What there is to see at one moment."""

    calls: list[figures.Call]  # Those that nginx logged since the last look.
    sonnet: str  # Where its breaker stands.
    refused: int  # Orders that the workers say nobody took, since their start.


class ChainTimeline(timeline.Timeline):
    """Prints what each of the chain answered, and how many waited for it."""

    header = "  sonnet       sonnet  429  haiku  queue  waited  refused"

    def row(self, calls: list[figures.Call], sight: Sight) -> str:
        answered = figures.answered(calls)
        refused = sight.refused - self._refused
        self._refused = sight.refused
        return (
            f"  {sight.sonnet:11}{answered[figures.SONNET]:8}  {len(figures.too_many(calls)):3}  "
            f"{answered[figures.HAIKU]:5}  {answered[figures.QUEUE]:5}  "
            f"{len(figures.waited(calls)):6}  {refused:7}"
        )
