"""A watch that broke off goes on where it ended, or is told that it cannot."""

import grpc
import pytest
from api import FAILURE, SUCCESS, Error, error_of
from fusebox.v1 import admin_pb2
from fusebox.v1 import breaker_pb2 as pb
from timing import PATIENCE_S, eventually


def trip(api, breaker):
    api.batch({"breaker": breaker, "outcome": FAILURE, "count": 5})


def test_a_resumed_watch_is_told_of_what_changed_and_of_nothing_else(api, connect, name):
    for leaf in ("stays", "trips"):
        api.call(f"{name}/{leaf}", SUCCESS)
    with api.watch(f"{name}/*") as watch:
        assert len(watch.snapshot) == 2
        token = watch.resume_token
    with connect().watch(f"{name}/trips") as witness:
        trip(api, f"{name}/trips")
        witness.until(pb.STATE_OPEN)
    with connect().watch(f"{name}/*", token) as watch:
        assert [(b.name, b.state) for b in watch.snapshot] == [(f"{name}/trips", pb.STATE_OPEN)]
        trip(api, f"{name}/stays")
        assert watch.until(pb.STATE_OPEN).name == f"{name}/stays"


def test_a_watch_may_break_off_after_every_step(api, name):
    breakers = [f"{name}/{number}" for number in range(20)]
    with api.watch(f"{name}/*") as watch:
        token = watch.resume_token
    with api.watch(breakers[-1]) as witness:
        for breaker in breakers:
            trip(api, breaker)
        witness.until(pb.STATE_OPEN)
    seen = []
    for _ in breakers:
        request = admin_pb2.WatchBreakersRequest(match=f"{name}/*", resume_token=token)
        stream = api.admin.WatchBreakers(request, timeout=PATIENCE_S)
        step = next(stream)
        seen.append(step.breaker.name)
        token = step.resume_token
        stream.cancel()
    assert sorted(seen) == sorted(breakers)
    with api.watch(f"{name}/*", token) as watch:
        assert watch.snapshot == []


def test_a_resumed_watch_is_told_of_what_was_forgotten_meanwhile(start, connect):
    api = connect(start("--idle-ttl=1s"))
    api.call("short/lived", SUCCESS)
    with api.watch("short/*") as watch:
        assert len(watch.snapshot) == 1
        token = watch.resume_token  # As if what follows had not arrived.
        watch.until_removed("short/lived")
    with api.watch("short/*", token) as watch:
        assert (watch.snapshot, watch.gone) == ([], ["short/lived"])


def test_a_token_is_stale_after_a_restart(start, connect):
    with connect(start()).watch() as watch:
        token = watch.resume_token
    api = connect(start())
    error = error_of(lambda: api.watch("", token))
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "RESUME_TOKEN_STALE")
    assert "another life" in error.message and "watch anew" in error.message


def test_a_token_is_stale_when_more_changed_since_than_is_kept(start, connect):
    api = connect(start("--max-watch-lag=100"))
    with api.watch() as watch:
        token = watch.resume_token
    for number in range(101):
        api.call(f"db/{number}", SUCCESS)

    def refused():
        try:
            with api.watch("", token):
                return None  # The last changes are yet to be delivered.
        except grpc.RpcError as error:
            return Error(error)

    error = eventually(refused, "a stale token")
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "RESUME_TOKEN_STALE")
    assert "100" in error.message and "--max-watch-lag" in error.message
    with api.watch() as watch:
        assert len(watch.snapshot) == 101


@pytest.mark.parametrize("match", ["db/*", "**/*"])
def test_a_token_of_another_match_is_refused(api, match):
    with api.watch() as watch:
        token = watch.resume_token
    error = error_of(lambda: api.watch(match, token))
    assert (error.code, error.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "RESUME_TOKEN_INVALID",
    )
    assert error.fields == ["resume_token"]
