"""A client's end of BreakerService.Session, written from docs/session.md."""

import os
import queue

import grpc
from api import Error
from fusebox.v1 import breaker_service_pb2
from timing import PATIENCE_S


class Session:
    """One stream. What it hears is kept: the welcome, the newest states, acknowledgements."""

    def __init__(self, api, session_id=None, server_life=b"", **hello):
        self.id = session_id or os.urandom(16)
        self.states, self.policies, self.refused, self.forgotten = {}, {}, {}, []
        self.permits, self.acknowledged, self.go_away = [], 0, None
        self._said = queue.SimpleQueue()
        self._stream = api.breakers.Session(iter(self._said.get, None), timeout=PATIENCE_S)
        self.say(hello={"session_id": self.id, "server_life": server_life, **hello})
        self.welcome = next(self._stream).welcome
        self._sequence = self.welcome.applied_sequence

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def cut(self):
        self._said.put(None)
        self._stream.cancel()

    def say(self, **parts):
        self._said.put(breaker_service_pb2.SessionRequest(**parts))

    def subscribe(self, handle, breaker):
        self.say(subscribe=[{"handle": handle, "breaker": breaker}])

    def report(self, *tallies, sequence=None, **fields):
        """Sends a report without waiting for it to be acknowledged; returns its sequence."""
        self._sequence = sequence or self._sequence + 1
        self.say(report={"sequence": self._sequence, "tallies": list(tallies), **fields})
        return self._sequence

    def tally(self, handle, **counts):
        return {"handle": handle, "epoch": self.states[handle].epoch, **counts}

    def hear(self, until):
        """Hears on until `until()`."""
        while not until():
            heard = next(self._stream)
            self.acknowledged = max(self.acknowledged, heard.acknowledged)
            for state in heard.states:
                self._take(state)
            for refused in heard.refused:
                self.refused[refused.handle] = refused.error
            self.forgotten += heard.forgotten
            self.permits += heard.permits
            if heard.HasField("go_away"):
                self.go_away = heard.go_away

    def _take(self, state):
        known = self.states.get(state.handle)
        assert known is None or (state.epoch, state.revision) >= (known.epoch, known.revision)
        self.states[state.handle] = state
        if state.HasField("policy"):
            self.policies[state.handle] = state.policy

    def until_state(self, handle, state):
        self.hear(lambda: handle in self.states and self.states[handle].state == state)
        return self.states[handle]

    def until_acknowledged(self, sequence):
        self.hear(lambda: self.acknowledged >= sequence)

    def end(self):
        """Hears to the end and returns the error that it ends with."""
        try:
            self.hear(lambda: False)
        except grpc.RpcError as error:
            return Error(error)
        except StopIteration:
            return None
