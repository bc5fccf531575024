"""Several processes that call one dependency, and a time that they move."""

import contextlib
import itertools

from api import Api, FAILURE, SUCCESS, seconds
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from google.protobuf import duration_pb2

PROCESSES = ("node-1", "node-2", "node-3", "node-4")
TIMEOUT = pb.OUTCOME_TIMEOUT
RATE_LIMITED = pb.OUTCOME_RATE_LIMITED
CALLER_ERROR = pb.OUTCOME_CALLER_ERROR


class Fleet:
    """Unless told which `client`, the processes call in turn."""

    def __init__(self, server, breaker):
        self._server = server
        self._breaker = breaker
        self._turn = itertools.cycle(PROCESSES)
        self._apis = {}
        self._channels = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._channels.__exit__(*failure)

    def advance(self, by_s):
        self._server.call("TestControl", "Advance", {"by": f"{by_s:.9f}s"})

    def allow(self, client=None, attempt=0, breaker=None):
        return self._api(client).allow(breaker or self._breaker, attempt)

    def record(self, answer, outcome=None, client=None, breaker=None, **result):
        """Ends a call that was allowed. Of `result`, what ends with _s is a time in seconds."""
        for name in [name for name in result if name.endswith("_s")]:
            result[name[:-2]] = _duration(result.pop(name))
        return self._api(client).record(breaker or self._breaker, answer, outcome, **result)

    def call(self, outcome=None, client=None, breaker=None, **result):
        """Makes a call that must be allowed, ends it, and returns the state that it left."""
        client = client or next(self._turn)
        answer = self.allow(client, breaker=breaker)
        assert answer.decision == pb.DECISION_ALLOWED, answer
        return _state(self.record(answer, outcome, client, breaker, **result))

    def calls(self, times, outcome=None, **how):
        """Makes calls alike; returns the state after the last one."""
        for _ in range(times):
            state = self.call(outcome, **how)
        return state

    def retry(self, client=None, breaker=None):
        """Whether a retry is allowed and, if not, why."""
        return _reason(self.allow(client, attempt=2, breaker=breaker))

    def refusal(self):
        """Why a first attempt is refused; "" if it is not."""
        return _reason(self.allow())

    def look(self, breaker=None):
        return self._api("").get(breaker or self._breaker)

    def state(self, breaker=None):
        return _state(self.look(breaker))

    def cause(self):
        """What brought it into its state."""
        cause = self.look().last_transition.cause
        return admin_pb2.Cause.Name(cause).removeprefix("CAUSE_")

    def wait_s(self):
        """How long its last wait was when it began."""
        return seconds(self.look().last_transition.open_for)

    def trip(self, **how):
        """Fails until it is open, which is soon."""
        for _ in range(100):
            if self.call(FAILURE, **how) == "OPEN":
                return
        raise AssertionError("100 failures and still not open")

    def traffic(self, for_s, per_second, outcome):
        """Calls at a steady rate. Returns after how long it opened; None if it did not."""
        for i in range(round(for_s * per_second)):
            self.advance(1 / per_second)
            if self.call(outcome) == "OPEN":
                return (i + 1) / per_second
        return None

    def admitted(self, for_s, per_second):
        """Asks at a steady rate, with calls that succeed; returns which share was allowed."""
        asked, allowed = round(for_s * per_second), 0
        for _ in range(asked):
            self.advance(1 / per_second)
            client = next(self._turn)
            answer = self.allow(client)
            if answer.decision == pb.DECISION_ALLOWED:
                allowed += 1
                self.record(answer, SUCCESS, client)
        return allowed / asked

    def probes(self):
        """Sits the wait out, takes all probes that there are, and returns them."""
        self.advance(self.wait_s())
        answers = []
        while (answer := self.allow()).decision == pb.DECISION_ALLOWED:
            assert answer.probe, answer
            answers.append(answer)
        assert answer.reason == pb.REASON_PROBES_BUSY, answer
        return answers

    def recover(self):
        """Sits the wait out and lets probes succeed; returns how many it took."""
        self.advance(self.wait_s())
        for taken in range(1, 100):
            if self.call(SUCCESS) == "CLOSED":
                return taken
        raise AssertionError("100 successes and still not closed")

    def waits(self, count):
        """From OPEN on, how long each wait is when the probe after it fails."""
        found = [self.wait_s()]
        while len(found) < count:
            self.advance(found[-1])
            assert self.call(FAILURE) == "OPEN"
            found.append(self.wait_s())
        return found

    def _api(self, client):
        client = next(self._turn) if client is None else client
        if client not in self._apis:
            api = Api(self._server.address, client)
            self._apis[client] = self._channels.enter_context(api)
        return self._apis[client]


def spread(waits, middles, jitter, at_most):
    """Whether waits are `middles`, each spread by the fraction `jitter` and then capped."""
    pairs = list(zip(waits, middles, strict=True))
    inside = all(
        min(middle * (1 - jitter), at_most) - 1e-6 <= wait <= min(middle * (1 + jitter), at_most)
        for wait, middle in pairs
    )
    return inside and any(wait != middle for wait, middle in pairs)


def _state(message):
    return pb.State.Name(message.state).removeprefix("STATE_")


def _reason(answer):
    denied = answer.decision == pb.DECISION_DENIED
    return pb.Reason.Name(answer.reason).removeprefix("REASON_") if denied else ""


def _duration(length_s):
    return duration_pb2.Duration(seconds=int(length_s), nanos=round(length_s % 1 * 1e9))
