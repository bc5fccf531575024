"""Operators and callers at work on a server that may be killed, and what each of them knows.

Each worker owns its names and does one thing at a time, so that at the moment of the kill at most one
of its changes is neither acknowledged nor refused: of that one, both endings are right.
"""

import os
import random
import threading
import time

import grpc
from fusebox.v1 import admin_pb2, breaker_pb2, policy_pb2
from timing import PATIENCE_S

OPEN_S = 600  # How long breakers stay open: longer than a round.
KEPT_S = float(os.environ.get("FUSEBOX_KEPT_S", "1"))  # An outage that is older survives.
SLACK_S = 1.0


class Worker:
    """Does one thing after the other until the server is gone, and checks them on the next one."""

    def __init__(self, rng, prefix):
        self.rng, self.prefix = rng, prefix

    def pick(self, count=5):
        return f"{self.prefix}{self.rng.randrange(count)}"

    def work(self, api):
        try:
            while True:
                self.step(api)
        except grpc.RpcError as error:
            # Killed in the middle of a call.
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error


class Book(Worker):
    """Things with a name and a value, of which `kept` says what was acknowledged."""

    def __init__(self, rng, prefix):
        super().__init__(rng, prefix)
        self.kept = {}
        self.pending = None  # A name, and what it becomes.

    def step(self, api):
        name = self.pick()
        value = None if name in self.kept and self.rng.random() < 0.4 else self.rng.randrange(1, 999)
        self.pending = (name, value)
        self.change(api, name, self.kept.get(name), value)
        self._acknowledge()

    def _acknowledge(self):
        name, value = self.pending
        self.pending = None
        self.kept.pop(name, None)
        if value is not None:
            self.kept[name] = value

    def check(self, api):
        found = {name: v for name, v in self.read(api).items() if name.startswith(self.prefix)}
        if self.pending is not None and found != self.kept:
            self._acknowledge()
        self.pending = None
        assert found == self.kept


class Policies(Book):
    def change(self, api, name, before, value):
        if value is None:
            request = admin_pb2.DeletePolicyRequest(name=name)
            return api.admin.DeletePolicy(request, timeout=PATIENCE_S)
        settings = policy_pb2.CircuitBreakerSettings(consecutive_failures=value)
        policy = policy_pb2.Policy(name=name, match=[f"{name}/*"], circuit_breaker=settings)
        if before is None:
            request = admin_pb2.CreatePolicyRequest(policy=policy)
            return api.admin.CreatePolicy(request, timeout=PATIENCE_S)
        request = admin_pb2.UpdatePolicyRequest(policy=policy)
        return api.admin.UpdatePolicy(request, timeout=PATIENCE_S)

    def read(self, api):
        listed = api.admin.ListPolicies(admin_pb2.ListPoliciesRequest(), timeout=PATIENCE_S)
        return {p.name: p.circuit_breaker.consecutive_failures for p in listed.policies}


class Overrides(Book):
    def change(self, api, name, before, value):
        if value is None:
            request = admin_pb2.ClearOverrideRequest(match=f"{name}/*")
            return api.admin.ClearOverride(request, timeout=PATIENCE_S)
        request = admin_pb2.OverrideBreakerRequest(
            match=f"{name}/*", mode=breaker_pb2.OVERRIDE_MODE_SHADOW, reason=str(value)
        )
        return api.admin.OverrideBreaker(request, timeout=PATIENCE_S)

    def read(self, api):
        listed = api.admin.ListOverrides(admin_pb2.ListOverridesRequest(), timeout=PATIENCE_S)
        return {o.match.removesuffix("/*"): int(o.reason) for o in listed.overrides}


class Outages(Worker):
    """Trips, resets and deletes breakers. Their policy, `OPEN_S`, is the file's."""

    def __init__(self, rng, prefix):
        super().__init__(rng, prefix)
        self.opened = {}  # When each that is open was seen to be.
        self.epochs = {}
        self.pending = None

    def step(self, api):
        name = self.pick()
        self.pending = name
        if name not in self.opened:
            self._trip(api, name)
        elif self.rng.random() < 0.5:
            request = admin_pb2.ResetBreakerRequest(name=name, reason="soak")
            breaker = api.admin.ResetBreaker(request, timeout=PATIENCE_S).breaker
            self._see(name, breaker.epoch)
            del self.opened[name]
        else:
            request = admin_pb2.DeleteBreakerRequest(name=name, reason="soak")
            api.admin.DeleteBreaker(request, timeout=PATIENCE_S)
            del self.opened[name]
        self.pending = None

    def _trip(self, api, name):
        for _ in range(5):
            answer = api.record(name, outcome=breaker_pb2.OUTCOME_FAILURE)
        assert answer.state == breaker_pb2.STATE_OPEN, answer
        self._see(name, answer.epoch)
        self.opened[name] = time.monotonic()

    def _see(self, name, epoch):
        assert epoch >= self.epochs.get(name, 0), f"{name}: the epoch went down"
        self.epochs[name] = epoch

    def check(self, api, killed):
        for name in {self.prefix + str(i) for i in range(5)}:
            self._check(api, name, killed)
        self.pending = None

    def _check(self, api, name, killed):
        answer = api.allow(name)
        self._see(name, answer.epoch)
        is_open = answer.state == breaker_pb2.STATE_OPEN
        opened = self.opened.get(name)
        if is_open and opened is not None:
            left = OPEN_S - (time.monotonic() - opened)
            told = answer.retry_after.seconds + answer.retry_after.nanos / 1e9
            assert abs(told - left) < SLACK_S, f"{name} waits {told} s and not {left} s"
        if name == self.pending or (opened is not None and killed - opened < KEPT_S):
            self._believe(name, is_open, answer)  # Both endings are right.
        assert is_open == (name in self.opened), f"{name} is open: {is_open}"

    def _believe(self, name, is_open, answer):
        if is_open:
            waited = OPEN_S - answer.retry_after.seconds - answer.retry_after.nanos / 1e9
            self.opened.setdefault(name, time.monotonic() - waited)
        else:
            self.opened.pop(name, None)


class Fleet:
    """All of them at once."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.policies = Policies(random.Random(rng.random()), "policy-")
        self.overrides = Overrides(random.Random(rng.random()), "override-")
        self.outages = Outages(random.Random(rng.random()), "outage/b")
        self._failures = []

    def start(self, api):
        self._threads = [
            threading.Thread(target=self._run, args=(worker, api))
            for worker in (self.policies, self.overrides, self.outages)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, worker, api):
        try:
            worker.work(api)
        except BaseException as failure:  # pylint: disable=broad-except
            self._failures.append(failure)

    def join(self):
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def check(self, api, killed):
        self.policies.check(api)
        self.overrides.check(api)
        self.outages.check(api, killed)


CONFIG = f"""\
policies:
- name: soak
  match: ["outage/*"]
  circuit_breaker: {{open_duration: {OPEN_S}s, max_open_duration: {OPEN_S}s}}
"""
