r"""Runs the conformance vectors on a server, over gRPC. README.md is the format.

    FUSEBOX_VIRTUAL_TIME_SERVER=build/release/tests/testing/virtual_time_server \
    PYTHONPATH=build/stubs/python .tools/venv/bin/pytest tests/conformance

Every scenario gets a server process of its own, and so fresh breakers and a fresh time.
"""

import collections
import decimal
import pathlib
import uuid

import grpc
import pytest

import vectors
import virtual_time_server as vts

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def control_stubs(tmp_path_factory):
    vts.generate_control_stubs(ROOT, tmp_path_factory.mktemp("stubs"))


@pytest.mark.parametrize("scenario", [pytest.param(s, id=i) for i, s in vectors.load()])
def test_holds_over_grpc(scenario):
    with vts.Server() as server:
        Player(server, scenario).play()


# What a call says before it is made and not after.
OF_ALLOW = ("attempt", "previous_outcome", "hedge", "idempotency_key", "retry_unknown")


def without(fields, *names):
    return {name: value for name, value in fields.items() if name not in names}


class Player:
    """Plays one scenario; an AssertionError says which step differs and how."""

    def __init__(self, server, scenario):
        self._server = server
        self._scenario = scenario
        self._elapsed = decimal.Decimal(0)
        self._permits = {}  # Answers to allow, as `save` named them.
        self._counters = {}  # The last epoch and revision of each breaker.
        self._answers = collections.Counter()  # To allow, since the innermost repeat began.

    def play(self):
        self.set_policies(
            {"retry_budgets": self._scenario.get("retry_budgets", [])}
            | {"policies": self._scenario.get("policies", [])}
        )
        self._run(self._scenario["steps"])

    def _run(self, steps):
        for step in steps:
            if "at" in step:
                self._advance_to(vectors.number(step["at"]))
            ((operation, fields),) = without(step, "at").items()
            try:
                getattr(self, operation)(fields)
            except AssertionError as failure:
                raise AssertionError(f"{failure}\n  in step {step}") from None

    def _advance_to(self, at):
        assert at >= self._elapsed, "steps go forward in time"
        if at > self._elapsed:
            by = f"{at - self._elapsed:f}s"
            self._server.call("TestControl", "Advance", {"by": by})
            self._elapsed = at

    def allow(self, step):
        fields = self._with_breaker(without(step, "save", "expect"))
        answer = self._server.call("BreakerService", "Allow", fields)
        if "save" in step:
            self._permits[step["save"]] = answer
        found = vts.as_json(answer)
        denied = found["decision"] != "DECISION_ALLOWED"
        self._answers[found["reason"] if denied else "allowed"] += 1
        self._check(step, found["breaker"], found)

    def record(self, step):
        fields = self._with_breaker(without(step, "permit", "expect"))
        permit = b""
        if "permit" in step:
            answer = self._permits[step["permit"]]
            permit = answer.permit
            fields["breaker"] = step.get("breaker", answer.breaker)
        answer = self._server.call("BreakerService", "Record", fields, permit=permit)
        self._check(step, fields["breaker"], vts.as_json(answer))

    def call(self, step):
        allow = {name: step[name] for name in ("breaker", "client", *OF_ALLOW) if name in step}
        allow |= {"save": "the permit of a call", "expect": {"decision": "DECISION_ALLOWED"}}
        record = without(step, "times", *OF_ALLOW) | {"permit": allow["save"]}
        for left in reversed(range(step.get("times", 1))):
            self.allow(allow)
            self.record(without(record, "expect") if left else record)

    def observe(self, step):
        item = self._with_breaker(without(step, "client", "epoch_of", "expect"))
        if "epoch_of" in step:
            item["epoch"] = self._permits[step["epoch_of"]].epoch
        batch = {"client": step.get("client", ""), "items": [item]}
        batch_id = uuid.uuid4().bytes
        answer = self._server.call("BreakerService", "BatchRecord", batch, batch_id=batch_id)
        (result,) = answer.results
        assert not result.HasField("error"), result.error
        self._check(step, item["breaker"], vts.as_json(result.response))

    def get(self, step):
        name = self._with_breaker(step)["breaker"]
        answer = self._server.call("AdminService", "GetBreaker", {"name": name})
        self._check(step, name, vts.as_json(answer.breaker))

    def wait(self, step):
        self._advance_to(self._elapsed + vectors.number(step["for"]))

    def repeat(self, step):
        self._answers.clear()
        for _ in range(step["times"]):
            self._run(step["steps"])
        counts = {answer: self._answers[answer] for answer in step.get("expect", {})}
        assert not (wrong := vectors.mismatch(step.get("expect", {}), counts)), wrong

    def override(self, step):
        fields = {"mode": step["mode"], "reason": "conformance", "actor": "conformance"}
        if "ttl" in step:
            fields["remaining"] = step["ttl"]
        name = self._with_breaker(step)["breaker"]
        self._server.call("TestControl", "Override", {"breaker": name, "override": fields})

    def clear_override(self, step):
        name = self._with_breaker(step)["breaker"]
        self._server.call("TestControl", "ClearOverride", {"breaker": name})

    def set_policies(self, step):
        expected = step.get("expect", {}).get("error")
        try:
            self._server.call("TestControl", "SetPolicies", without(step, "expect"))
        except grpc.RpcError as failure:
            assert expected is not None, failure
            found = vts.error_of(failure)
            assert found["code"] == "INVALID_ARGUMENT", found
            assert expected.get("reason", found["reason"]) == found["reason"], found
            assert expected.get("field", "") in found["message"], found
        else:
            assert expected is None, "the policies were taken"

    def _with_breaker(self, fields):
        return {"breaker": self._scenario.get("breaker", "")} | fields

    def _check(self, step, breaker, answer):
        expected = step.get("expect", {})
        wrong = vectors.mismatch(without(expected, "epoch", "revision"), answer)
        assert not wrong, f"{wrong}\n  in answer {answer}"
        for counter in ("epoch", "revision"):
            if counter in answer:
                self._check_counter(counter, breaker, expected.get(counter), int(answer[counter]))

    def _check_counter(self, counter, breaker, expected, now):
        last = self._counters.get((counter, breaker))
        self._counters[counter, breaker] = now
        assert expected is None or last is not None, f"{counter} has no earlier answer"
        assert expected != "same" or now == last, f"{counter} went from {last} to {now}"
        assert expected != "newer" or now > last, f"{counter} went from {last} to {now}"
        assert counter != "epoch" or last is None or now >= last, "an epoch only grows"
