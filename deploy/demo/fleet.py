"""A fleet: worker processes that speak one line protocol, in whatever language.

    with Fleet(commands, flags_of, out) as fleet:
        fleet.start()
        ...
        totals = fleet.stop()

The protocol is in README.md.
"""

from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Callable, Mapping, Sequence

from processes import Child, DemoError, wait_until

START_SECONDS = 15
STOP_SECONDS = 10


class Worker:
    """One worker process and the last thing it said."""

    def __init__(self, name: str, argv: Sequence[str], out: pathlib.Path) -> None:
        self.name = name
        self.child = Child(name, argv, out, pipes=True)
        self.event = ""
        self.totals: dict[str, int] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.child.process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                said = {"event": f"no JSON: {line.strip()!r}"}
            self.totals = {key: said[key] for key in said if isinstance(said[key], int)}
            self.event = said.get("event", f"no event: {line.strip()!r}")

    def tell(self, line: str) -> None:
        """Sends a line; the empty one ends its input, which ends the worker."""
        try:
            if line:
                self.child.process.stdin.write(line + "\n")
                self.child.process.stdin.flush()
            else:
                self.child.process.stdin.close()
        except BrokenPipeError:
            self.child.check()

    def stop(self) -> None:
        """Ends it, whatever it is doing."""
        self.child.stop()
        self._reader.join(timeout=1)


class Fleet:
    """Workers of some kinds, two of each unless told otherwise."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        flags_of: Callable[[str], Sequence[str]],
        out: pathlib.Path,
        each: int = 2,
    ) -> None:
        """`commands` maps a kind to how its workers are run; `flags_of`, a name to its flags."""
        self._out = out
        self._argvs = {
            f"{kind}-{number}": [*command, *flags_of(f"{kind}-{number}")]
            for number in range(1, each + 1)
            for kind, command in commands.items()
        }
        self._workers: list[Worker] = []

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._argvs)

    @property
    def children(self) -> list[Child]:
        return [worker.child for worker in self._workers]

    def total(self, key: str) -> int:
        """The sum over all workers, as of what each said last."""
        return sum(worker.totals.get(key, 0) for worker in self._workers)

    def start(self) -> None:
        """Starts every worker, waits until all are ready and lets them go at once."""
        self._workers = [Worker(name, argv, self._out) for name, argv in self._argvs.items()]
        self._await("ready", START_SECONDS, self.children)
        self.tell("start")

    def tell(self, line: str) -> None:
        """Sends a line to every worker; the empty one ends their input, which ends them."""
        for worker in self._workers:
            worker.tell(line)

    def stop(self) -> int:
        """Ends every worker in good order and returns how many calls they say they made."""
        self.tell("")
        self._await("done", STOP_SECONDS)
        for worker in self._workers:
            code = worker.child.process.wait(timeout=STOP_SECONDS)
            if code != 0:
                raise DemoError(f"{worker.name} ended with {code}; look into {worker.child.log}")
        return self.total("ok") + self.total("failed")

    def _await(self, event: str, seconds: float, needed: Sequence[Child] = ()) -> None:
        def missing() -> list[str]:
            return [worker.name for worker in self._workers if worker.event != event]

        try:
            wait_until(lambda: not missing(), seconds, f"every worker says {event}", needed)
        except DemoError as error:
            raise DemoError(f"{error} (waiting for {', '.join(missing())})") from error
