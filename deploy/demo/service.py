"""Fusebox itself: the server's process, its policy, and what it says of its breakers.

    with Service("build/release/server/fusebox", "shop/**", policy, out) as service:
        service.start()
        service.states(["shop/checkout"])       # "closed"
"""

from __future__ import annotations

import collections
import pathlib
import threading
from collections.abc import Collection

import grpc
from fusebox.v1 import admin_pb2, admin_pb2_grpc, breaker_pb2

from processes import Child, free_ports, wait_until

RPC_SECONDS = 2


class Service:
    """One server on free ports of loopback, watched from its start to its end."""

    def __init__(self, binary: str, match: str, policy_file: str, out: pathlib.Path) -> None:
        """Watches what `match` matches; `policy_file` is the text of the server's --config."""
        self._binary = binary
        self._match = match
        self._out = out
        self._config = out / "fusebox.yaml"
        self._config.write_text(policy_file)
        self._port, self._http_port = free_ports(2)
        self.address = f"127.0.0.1:{self._port}"
        self._child: Child | None = None
        self._channel = grpc.insecure_channel(self.address)
        self._admin = admin_pb2_grpc.AdminServiceStub(self._channel)
        self._lock = threading.Lock()
        self._breakers: dict[str, admin_pb2.Breaker] = {}
        self._changes: list[admin_pb2.Transition] = []
        self._watch: grpc.Call | None = None
        self._watch_error = ""

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._channel.close()
        if self._child is not None:
            self._child.stop()

    @property
    def child(self) -> Child:
        assert self._child is not None
        return self._child

    def start(self) -> None:
        """Starts the server, waits until it answers and follows its breakers."""
        argv = [
            self._binary,
            f"--listen={self.address}",
            f"--http-listen=127.0.0.1:{self._http_port}",
            f"--config={self._config}",
            "--store=MEMORY",  # Every demonstration begins anew.
        ]
        self._child = Child("fusebox", argv, self._out)
        wait_until(self._answers, 10, "Fusebox answers", [self._child])
        self._watch = self._admin.WatchBreakers(admin_pb2.WatchBreakersRequest(match=self._match))
        threading.Thread(target=self._follow, args=(self._watch,), daemon=True).start()

    def _answers(self) -> bool:
        try:
            self._admin.GetServerInfo(admin_pb2.GetServerInfoRequest(), timeout=RPC_SECONDS)
            return True
        except grpc.RpcError:
            return False

    def _follow(self, watch: grpc.Call) -> None:
        try:
            for response in watch:
                if response.WhichOneof("event") == "breaker":
                    self._learn(response.breaker)
        except grpc.RpcError as error:
            # Also how it ends when the demo cancels it: then nobody asks any more.
            with self._lock:
                self._watch_error = f"watch lost: {error.code().name}"

    def _learn(self, breaker: admin_pb2.Breaker) -> None:
        with self._lock:
            known = self._breakers.get(breaker.name)
            if known is not None and breaker.epoch < known.epoch:
                return
            changed = known is None or breaker.epoch > known.epoch
            if changed and breaker.HasField("last_transition"):
                self._changes.append(breaker.last_transition)
            self._breakers[breaker.name] = breaker

    def states(self, names: Collection[str]) -> str:
        """Where these breakers stand: "open" for one, "6 open, 2 half-open" for several."""
        with self._lock:
            if self._watch_error:
                return self._watch_error
            found = [self._breakers[name].state for name in names if name in self._breakers]
        counts = collections.Counter(_short(breaker_pb2.State.Name(state)) for state in found)
        if len(names) == 1:
            return "".join(counts) or "-"
        return ", ".join(f"{count} {state}" for state, count in counts.most_common()) or "-"

    def take_changes(self, names: Collection[str]) -> list[str]:
        """What happened to these breakers since this was asked last."""
        with self._lock:
            changes, self._changes = self._changes, []
        return [_describe(change) for change in changes if change.breaker in names]


def _short(name: str) -> str:
    """STATE_HALF_OPEN becomes half-open."""
    return name.split("_", 1)[1].lower().replace("_", "-")


def _describe(change: admin_pb2.Transition) -> str:
    cause = _short(admin_pb2.Cause.Name(change.cause)).replace("-", " ")
    return f"{_short(breaker_pb2.State.Name(change.to))} ({cause})"
