"""A terminal that a program draws on, and what is to be seen there.

    with Terminal(["fuseboxctl", "top"], environment()) as terminal:
        terminal.until("OPEN")
        terminal.press("q")
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte
from cli_driver import PATIENCE_S


class Terminal:
    """`columns` by `lines`; keeps what was there before the program took it."""

    def __init__(self, command, env, columns=140, lines=12):
        self.ours, self.theirs = pty.openpty()
        self.before = termios.tcgetattr(self.theirs)
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self._set_size(columns, lines)
        self.process = subprocess.Popen(
            command,
            env=env,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.raw = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def _set_size(self, columns, lines):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def _read(self, patience):
        if not select.select([self.ours], [], [], patience)[0]:
            return False
        data = os.read(self.ours, 65536)
        self.raw += data
        self.stream.feed(data)
        return True

    def until(self, condition):
        """Reads until the text, or what the condition is true of, is to be seen; returns all text."""
        if isinstance(condition, str):
            return self.until(lambda text, wanted=condition: wanted in text)
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self.text()):
            assert time.monotonic() < deadline, f"not to be seen:\n{self.text()}"
            self._read(deadline - time.monotonic())
        return self.text()

    def end(self):
        """Reads until the program has ended, and returns its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on:\n{self.text()}"
            self._read(0.01)
        while self._read(0):
            pass
        return self.process.returncode

    def is_as_before(self):
        """Whether the program left the terminal as it found it."""
        leaves_alternate = self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")
        shows_cursor = self.raw.rfind(b"\x1b[?25l") < max(
            self.raw.rfind(b"\x1b[?25h"), self.raw.rfind(b"\x1b[?12l\x1b[?25h")
        )
        return termios.tcgetattr(self.theirs) == self.before and leaves_alternate and shows_cursor
