"""Child processes that never outlive the demo, and waiting for what they do.

    with Child("backend", ["python3", "backend.py"], logs) as backend:
        wait_until(lambda: answers(port), 5, "the backend answers", [backend])
        backend.kill()

Only the main thread may start children: the kernel ends them with the thread that started them.
"""

from __future__ import annotations

import pathlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence

POLL_SECONDS = 0.05


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


class Child:
    """One process. Its stderr goes to `logs`/NAME.log; with `pipes`, stdin and stdout are ours."""

    def __init__(
        self, name: str, argv: Sequence[str], logs: pathlib.Path, pipes: bool = False
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        pipe = subprocess.PIPE if pipes else None
        with self.log.open("ab") as log:
            # setpriv: even if the demo itself is killed, the child gets a SIGTERM.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *argv],
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or log,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """Raises a DemoError with the end of its log if the process is gone."""
        code = self.process.poll()
        if code is not None:
            tail = "".join(self.log.read_text(errors="replace").splitlines(True)[-20:])
            raise DemoError(
                f"{self.name} ended with exit code {code}; look into {self.log}, "
                f"which ends:\n{tail}"
            )

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Asks it to end and, if it does not, kills it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def free_ports(count: int) -> list[int]:
    """Ports of loopback on which nobody listens, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_until(
    holds: Callable[[], bool], seconds: float, what: str, needed: Iterable[Child] = ()
) -> None:
    """Polls until `holds`; a DemoError if it does not in time or if a needed process ends."""
    needed = list(needed)
    end = time.monotonic() + seconds
    while not holds():
        for child in needed:
            child.check()
        if time.monotonic() > end:
            logs = ", ".join(str(child.log) for child in needed)
            raise DemoError(f"{what}: not within {seconds:g} s; look into {logs or 'the logs'}")
        time.sleep(POLL_SECONDS)
