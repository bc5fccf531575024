"""Tests of what the chain counts and claims, with logs made by hand."""

import dataclasses
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from chain import figures, report


def line(end, path="/sonnet", took=0.0, status=200, order="", epoch=7, waited_ms=2, refused=None):
    """One line as nginx writes it; `end` and `took` in seconds. A 429 comes with Retry-After: 2."""
    before = {"/sonnet": "", "/haiku": "llm/sonnet=OPEN"}
    before["/queue"] = "llm/sonnet=OPEN, llm/haiku=BULKHEAD"
    return json.dumps(
        {
            "end": f"{end:.3f}",
            "took": f"{took:.3f}",
            "status": str(status),
            "retry_after": "2" if status == 429 else "",
            "path": path,
            "worker": "shop-1",
            "order": order or f"shop-1/{end}",
            "breaker": "llm" + path,
            "epoch": str(epoch),
            "refused": before[path] if refused is None else refused,
            "waited_ms": str(waited_ms),
        }
    )


def calls(*lines):
    return figures.parse(lines)


# What is said of those that nobody could take, once haiku has.
TURN = "llm/sonnet=OPEN, llm/queue=RATE_LIMIT"

# Sonnet says twice that it is enough: in epoch 7, and to a probe of epoch 9. Epoch 11 is calm.
RUSH = calls(
    line(1.000, took=0.050),
    line(1.200, status=429, order="a"),
    line(1.210, status=429, order="b"),
    line(1.260, took=0.050),
    line(1.420, "/haiku", took=0.200, order="a"),
    line(1.430, "/haiku", took=0.200, order="b"),
    line(1.440, "/queue"),
    line(3.260, took=0.050, epoch=9),
    line(3.300, status=429, order="c", epoch=9),
    line(3.510, "/haiku", took=0.200, order="c"),
    line(3.990, "/haiku", took=0.200, waited_ms=400, refused=TURN),
    line(5.360, took=0.050, epoch=11),
    line(6.500, took=0.050, epoch=11),
)

RULES = report.Rules(max_concurrent=4, max_wait_ms=8000)


def run(rush=RUSH, **changes):
    orders = len({call.order for call in rush})
    whole = report.Run(calls=rush, end_ms=7000, orders=orders, said=len(rush))
    return dataclasses.replace(whole, **changes)


def with_more(*lines):
    return sorted([*RUSH, *calls(*lines)], key=lambda call: call.start_ms)


def broken(rush=RUSH, **changes):
    return {claim.name for claim in report.claims(run(rush, **changes), RULES) if not claim.holds}


def test_reads_a_line_in_whole_milliseconds():
    (call,) = calls(line(1700000000.123, "/queue", took=0.045, order="shop-1/7", waited_ms=30))
    assert call == figures.Call(
        start_ms=1700000000078,
        end_ms=1700000000123,
        status=200,
        retry_after_ms=0,
        upstream="llm/queue",
        worker="shop-1",
        order="shop-1/7",
        breaker="llm/queue",
        epoch=7,
        refused=(("llm/sonnet", "OPEN"), ("llm/haiku", "BULKHEAD")),
        waited_ms=30,
    )
    assert call.asked_ms == 1700000000048


def test_reads_how_long_a_429_asks_to_stay_away():
    assert calls(line(1.0, status=429))[0].retry_after_ms == 2000


@pytest.mark.parametrize("text", ["", "{}", "no json", line(1.0).replace("status", "state")])
def test_a_line_that_is_no_call_is_named(text):
    with pytest.raises(ValueError, match="is no call.*compare log_format"):
        calls(text)


def test_the_first_429_of_an_epoch_closes_sonnet_off_and_later_ones_lengthen_nothing():
    spans = [(span.from_ms, span.until_ms) for span in figures.closed_off(RUSH)]
    assert spans == [(1200, 3200), (3300, 5300)]


def test_what_was_granted_before_and_comes_at_once_was_in_flight():
    assert [call.start_ms for call in figures.in_flight(RUSH)] == [1210, 1210]
    assert figures.intruders(RUSH) == []


def test_who_calls_sonnet_while_it_is_closed_off_is_an_intruder():
    granted_after = with_more(line(1.300, epoch=8))
    assert [call.epoch for call in figures.intruders(granted_after)] == [8]
    much_later = with_more(line(1.800, took=0.050, epoch=7))
    assert [call.start_ms for call in figures.intruders(much_later)] == [1750]


# nginx stamps to the millisecond, with a clock that it read a moment ago.
def test_who_comes_as_the_wait_ends_is_no_intruder():
    assert figures.intruders(with_more(line(3.196, epoch=8))) == []
    assert len(figures.intruders(with_more(line(3.190, epoch=8)))) == 1


def test_counts_whom_fusebox_passed_over_and_why():
    reasons = figures.reasons(RUSH)
    assert reasons["llm/sonnet"] == {"OPEN": 5}
    assert reasons["llm/haiku"] == {"BULKHEAD": 1}
    assert reasons["llm/queue"] == {"RATE_LIMIT": 1}


def test_sonnet_is_back_with_its_first_answer_to_a_later_call():
    assert figures.back_after_ms(RUSH) == 2060
    assert figures.back_after_ms([call for call in RUSH if call.epoch != 11]) is None


def test_who_asked_long_ago_says_nothing_about_now():
    waited = with_more(line(6.900, "/haiku", took=0.200, waited_ms=3000))
    assert figures.elsewhere(waited, 6000) == (1, 0)
    at_once = with_more(line(6.900, "/haiku", took=0.200))
    assert figures.elsewhere(at_once, 6000) == (2, 1)


def test_a_good_run_passes_every_claim():
    assert broken() == set()


def test_an_intruder_is_noticed():
    assert broken(with_more(line(1.300, epoch=8))) == {"closed off"}


def test_a_run_that_closed_sonnet_off_only_once_proves_too_little():
    once = [call for call in RUSH if call.epoch != 9 or call.ok]
    assert "closed off" in broken(once)


def test_a_sonnet_that_stays_away_is_noticed():
    gone = [call for call in RUSH if call.epoch != 11]
    assert broken(gone) == {"used again", "settled"}


def test_a_call_elsewhere_in_the_last_calm_is_noticed():
    assert broken(with_more(line(6.700, "/haiku", took=0.200))) == {"settled"}


def test_a_fifth_call_at_haiku_is_noticed():
    four = [line(2.2 + i / 1000, "/haiku", took=0.200) for i in range(4)]
    assert broken(with_more(*four)) == set()
    assert broken(with_more(*four, line(2.210, "/haiku", took=0.200))) == {"bulkhead"}


# A place that comes back is taken at once.
def test_a_call_that_begins_as_another_ends_is_no_fifth():
    four = [line(2.2 + i / 1000, "/haiku", took=0.200) for i in range(4)]
    assert broken(with_more(*four, line(2.400, "/haiku", took=0.200))) == set()


def test_an_order_that_nobody_answered_is_noticed():
    assert broken(orders=len({call.order for call in RUSH}) + 1) == {"answered"}


def test_an_order_that_was_answered_twice_is_noticed():
    assert broken(with_more(line(3.600, "/queue", order="c"))) == {"answered"}


def test_an_upstream_that_answered_nothing_is_noticed():
    failing = [
        dataclasses.replace(call, status=502) if call.upstream == "llm/queue" else call
        for call in RUSH
    ]
    assert broken(failing) == {"answered", "all used"}


def test_a_fallback_without_a_reason_is_noticed():
    assert broken(with_more(line(2.5, "/queue", refused="llm/sonnet=OPEN"))) == {"reasons"}
    assert broken(with_more(line(2.5, "/haiku", refused="llm/sonnet="))) == {"reasons"}


def test_a_call_that_waited_longer_than_it_asked_to_is_noticed():
    assert broken(with_more(line(2.5, "/haiku", waited_ms=8051))) == {"waited"}
    assert broken([call for call in RUSH if call.waited_ms < 50]) == {"waited"}


def test_a_call_that_fusebox_did_not_send_there_is_noticed():
    unasked = dataclasses.replace(calls(line(6.0))[0], breaker="", epoch=0)
    assert broken([*RUSH, unasked]) == {"granted"}
    astray = dataclasses.replace(calls(line(6.0))[0], breaker="llm/haiku")
    assert "granted" in broken([*RUSH, astray])


def test_a_call_that_nginx_did_not_see_is_noticed():
    assert broken(said=len(RUSH) + 1) == {"witness"}


def test_the_table_has_a_row_for_each_of_the_chain():
    rows = report.table(run()).splitlines()[2:]
    assert [row.split()[0] for row in rows] == list(figures.CHAIN)
    assert rows[0].split() == ["llm/sonnet", "8", "5", "3", "2", "OPEN", "5"]
