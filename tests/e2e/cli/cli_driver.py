"""Runs fuseboxctl as a shell does, against a real server.

State is made with `allow` and `record` too, so that a test reads like a shell session.

    FUSEBOXCTL_BINARY   the binary under test
"""

import json
import os
import pty
import re
import select
import socket
import subprocess
import threading

import yaml

FUSEBOXCTL = os.environ["FUSEBOXCTL_BINARY"]
PATIENCE_S = 30  # Far above what anything here takes: it ends a hang, it measures nothing.
FAILURES_TO_TRIP = 5  # The default policy's consecutive_failures.

DENIED, DIFFERENT, USAGE, OUTPUT_FAILED, TOOL_FAILED = 1, 1, 2, 3, 4
INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, UNAVAILABLE = 64 + 3, 64 + 4, 64 + 5, 64 + 14
PERMISSION_DENIED, FAILED_PRECONDITION = 64 + 7, 64 + 9
ABORTED, UNAUTHENTICATED = 64 + 10, 64 + 16


def environment(**extra):
    """The environment without what would change the output, and with `extra`."""
    ours = ("NO_COLOR", "USER", "VISUAL", "EDITOR")
    kept = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("FUSEBOX_")}
    return kept | extra


def run(*args, stdin="", own_group=False, **env):
    """Runs fuseboxctl to its end; in a group of processes of its own for what signals its group."""
    return subprocess.run(
        [FUSEBOXCTL, *args],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        input=stdin,
        start_new_session=own_group,
        check=False,
    )


def fields(table):
    """The rows of a two-column table as a dict."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in table.splitlines())


class Cli:
    """fuseboxctl with FUSEBOX_SERVER set to one server."""

    def __init__(self, address):
        self.address = address

    def __call__(self, *args, **options):
        return run(*args, FUSEBOX_SERVER=self.address, **options)

    def ok(self, *args, **options):
        result = self(*args, **options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def json(self, *args):
        return json.loads(self.ok(*args, "-o", "json"))

    def yaml(self, *args):
        return yaml.safe_load(self.ok(*args, "-o", "yaml"))

    def trip(self, name):
        for _ in range(FAILURES_TO_TRIP):
            self.ok("record", name, "--outcome", "FAILURE")


def rows(table):
    return [line.split() for line in table.splitlines()]


class Running:
    """fuseboxctl while it runs; it is killed when it takes too long, which ends all reading."""

    def __init__(self, address, *args):
        self.process = subprocess.Popen(
            [FUSEBOXCTL, *args],
            env=environment(FUSEBOX_SERVER=address),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.timer = threading.Timer(PATIENCE_S, self.process.kill)

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        """Waits for the end and returns the rest of stdout, stderr and the exit code."""
        stdout, stderr = self.process.communicate()
        return stdout, stderr, self.process.returncode


class Proxy:
    """Passes one connection on to a server, until it is cut."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE_S)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.wake_reader, self.wake_writer = socket.socketpair()
        self.thread = threading.Thread(target=self._pass_on)
        self.thread.start()

    def _pass_on(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(self.target) as upstream, self.listener:
            other = {client: upstream, upstream: client}
            while True:
                readable, _, _ = select.select([*other, self.wake_reader], [], [])
                if self.wake_reader in readable:
                    return
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    other[source].sendall(data)

    def cut(self):
        self.wake_writer.send(b"x")
        self.thread.join()
        self.wake_reader.close()
        self.wake_writer.close()


def on_terminal(address, *args, **env):
    """What fuseboxctl writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [FUSEBOXCTL, *args],
        env=environment(FUSEBOX_SERVER=address, **env),
        stdout=theirs,
        stdin=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        output = b""
        try:
            while chunk := os.read(ours, 65536):
                output += chunk
        except OSError:  # How a terminal says that its last writer is gone.
            pass
        os.close(ours)
        assert process.wait() == 0
    return output.decode()
