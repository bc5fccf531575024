"""Tests of the log analysis: what it counts is what the demo claims."""

import dataclasses
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import analysis
import report


def line(end, took=0.0, status=200, worker="go-1", attempt=1, breaker="b", epoch=7, probe=False):
    """One line as nginx writes it; `end` and `took` in seconds."""
    return json.dumps(
        {
            "end": f"{end:.3f}",
            "took": f"{took:.3f}",
            "status": str(status),
            "worker": worker,
            "attempt": str(attempt),
            "breaker": breaker,
            "epoch": str(epoch),
            "probe": "1" if probe else "0",
        }
    )


def calls(*lines):
    return analysis.parse(lines)


# One outage of one breaker: epoch 7 closed, 8 half-open and failing, 9 half-open and recovering.
OUTAGE = calls(
    line(1.000, 0.020, worker="go-1"),
    line(2.001, status=502, worker="go-1"),
    line(2.002, status=502, worker="go-1", attempt=2),
    line(2.010, status=502, worker="cpp-1"),
    line(4.100, 0.001, status=502, worker="cpp-1", epoch=8, probe=True),
    line(4.101, 0.002, status=502, worker="go-1", epoch=8, probe=True),
    line(6.220, 0.020, worker="go-1", epoch=9, probe=True),
    line(6.230, 0.020, worker="cpp-1", epoch=9, probe=True),
    line(6.300, 0.020, worker="go-1", epoch=10),
    line(6.400, 0.020, worker="cpp-1", epoch=10),
)


def test_reads_a_line_in_whole_milliseconds():
    (call,) = calls(line(1700000000.123, 0.045, status=502, attempt=2, epoch=9, probe=True))
    assert call == analysis.Call(
        start_ms=1700000000078,
        end_ms=1700000000123,
        status=502,
        ok=False,
        worker="go-1",
        attempt=2,
        breaker="b",
        epoch=9,
        probe=True,
    )


def test_reads_a_call_that_nobody_granted_as_epoch_zero():
    (call,) = calls(line(1.0, breaker="", epoch=""))
    assert (call.breaker, call.epoch) == ("", 0)


@pytest.mark.parametrize("bad", ["", "GET / 200", '{"end":"1.0"}'])
def test_refuses_a_line_that_is_no_call_and_shows_it(bad):
    with pytest.raises(ValueError, match="access log") as error:
        analysis.parse([bad])
    assert repr(bad) in str(error.value)


def test_a_4xx_is_an_answer_and_no_failure():
    assert analysis.failed(calls(line(1.0, status=404), line(2.0, status=503)))[0].end_ms == 2000


def test_splits_the_cost_of_an_outage_by_epoch():
    assert len(analysis.failed(OUTAGE)) == 5
    assert analysis.first_trip(OUTAGE) == {"b": 3}
    assert analysis.later_periods(OUTAGE) == [2]


# A claim of its own says that there are none; they must not pass for the first trip.
def test_a_call_without_an_answer_belongs_to_no_period():
    assert analysis.first_trip([*calls(line(1.9, status=502, epoch=0)), *OUTAGE]) == {"b": 3}


def test_private_breakers_trip_each_on_their_own():
    own = calls(
        line(1.0, status=502, breaker="b/1", epoch=3),
        line(1.1, status=502, breaker="b/2", epoch=5),
        line(1.2, status=502, breaker="b/2", epoch=5),
        line(3.0, status=502, breaker="b/1", epoch=9, probe=True),
    )
    assert analysis.first_trip(own) == {"b/1": 1, "b/2": 2}
    assert analysis.later_periods(own) == [1]


def test_counts_probes_per_period_over_all_breakers():
    assert analysis.probes_per_period(OUTAGE) == [2, 2]
    own = calls(
        line(1.0, breaker="b/1", epoch=3, probe=True),
        line(1.0, breaker="b/2", epoch=4, probe=True),
        line(3.0, breaker="b/2", epoch=9, probe=True),
    )
    assert analysis.probes_per_period(own) == [2, 1]


def test_counts_calls_that_overlap():
    assert analysis.most_at_once(calls(line(1.020, 0.020), line(1.030, 0.020))) == 2
    assert analysis.most_at_once(calls(line(1.000, 0.0), line(1.000, 0.0))) == 1
    assert analysis.most_at_once([]) == 0


# A slot that comes back is taken within the same millisecond: that is not one probe too many.
def test_calls_that_touch_are_one_after_the_other():
    assert analysis.most_at_once(calls(line(1.020, 0.020), line(1.040, 0.020))) == 1
    assert analysis.most_at_once(calls(line(1.020, 0.020), line(1.039, 0.020))) == 1
    assert analysis.most_at_once(calls(line(1.020, 0.020), line(1.038, 0.020))) == 2


def test_a_process_stops_with_its_last_ordinary_call_and_not_with_a_probe():
    assert analysis.stopped_after_ms(OUTAGE, killed_ms=2000, back_ms=6000) == 10


def test_who_calls_until_the_end_never_stopped():
    storm = calls(line(2.1, status=502), line(5.9, status=502))
    assert analysis.stopped_after_ms(storm, killed_ms=2000, back_ms=6000) is None


def test_recovery_waits_for_the_last_worker_and_takes_no_probe():
    assert analysis.recovered_after_ms(OUTAGE, 6000, ["go-1", "cpp-1"]) == 400
    assert analysis.recovered_after_ms(OUTAGE, 6000, ["go-1", "node-1"]) is None


BUDGET = analysis.Budget(retry_ratio=0.1, min_retries_per_second=1, window_ms=10_000)


def test_retries_are_held_against_reserve_and_deposits():
    earned = [line(1.0 + i / 100) for i in range(50)]
    spent = [line(2.0, status=502, attempt=2), line(2.1, status=502, attempt=2)]
    assert analysis.tightest_budget(calls(*earned, *spent), BUDGET) == (2, 15)
    storm = [line(2.0 + i / 100, status=502, attempt=2) for i in range(40)]
    assert analysis.tightest_budget(calls(*earned, *storm), BUDGET) == (40, 15)


def test_deposits_and_retries_age_out_of_the_budget():
    old = [line(1.0, status=502, attempt=2)] * 10 + [line(1.0)] * 100
    assert analysis.tightest_budget(calls(*old), BUDGET) == (10, 20)
    late = calls(*[line(1.0)] * 100, *[line(20.0, attempt=2)] * 12)
    assert analysis.tightest_budget(late, BUDGET) == (12, 10)


def test_breakers_do_not_share_a_private_budget():
    own = [line(1.0 + i, breaker=f"b/{i}", attempt=2) for i in range(5)]
    assert analysis.tightest_budget(calls(*own), BUDGET) == (1, 10)


def run(mode, run_calls, asked=None):
    return report.Run(
        mode=mode,
        calls=run_calls,
        killed_ms=2000,
        back_ms=6000,
        workers=("go-1", "cpp-1"),
        said=len(run_calls) if asked is None else asked,
    )


RULES = report.Rules(
    consecutive_failures=5, max_probes=3, open_duration_ms=2000, budget=BUDGET, share=0.4
)


def private_run():
    """Two private breakers that cost twelve failed calls together."""
    lines = [
        line(2.0 + i / 100, status=502, worker=w, breaker=f"b/{w}", epoch=3)
        for w in ("go-1", "cpp-1")
        for i in range(6)
    ]
    back = [line(6.5, worker=w, breaker=f"b/{w}", epoch=9) for w in ("go-1", "cpp-1")]
    return run("private", calls(*lines, *back))


def verdicts(fusebox, private=None):
    runs = {"none": run("none", OUTAGE), "private": private or private_run(), "fusebox": fusebox}
    return {claim.name: claim.holds for claim in report.claims(runs, RULES)}


def broken(fusebox, private=None):
    return {name for name, holds in verdicts(fusebox, private).items() if not holds}


def with_second_period(*extra):
    """OUTAGE with a second failing half-open period, so that there are several; plus `extra`."""
    more = calls(line(5.0, status=502, worker="go-1", epoch=85, probe=True), *extra)
    shifted = [
        call if call.epoch < 9 else dataclasses.replace(call, epoch=call.epoch + 100)
        for call in OUTAGE
    ]
    return run("fusebox", sorted(shifted + more, key=lambda call: call.start_ms))


def private_of(failures):
    many = [line(2.0 + i / 1000, status=502, breaker="b/1", epoch=3) for i in range(failures)]
    back = [line(6.5, worker=w, breaker="b/1", epoch=9) for w in ("go-1", "cpp-1")]
    return run("private", calls(*many, *back))


def test_a_good_run_passes_every_claim():
    assert broken(with_second_period(), private_of(15)) == set()


def test_one_failed_call_over_two_fifths_of_the_private_ones_breaks_the_share():
    assert broken(with_second_period(), private_of(14)) == {"share"}


def test_a_trip_that_costs_more_than_five_and_those_in_flight_is_noticed():
    more = [line(2.02 + i / 100, status=502, worker="cpp-1") for i in range(4)]
    assert broken(with_second_period(*more), private_of(100)) == {"first trip"}


def test_a_period_with_more_failed_calls_than_probes_is_noticed():
    more = [line(5.1 + i / 10, status=502, epoch=85, probe=True) for i in range(3)]
    assert broken(with_second_period(*more), private_of(100)) == {"later periods"}


def test_a_run_without_a_later_period_proves_nothing_about_them():
    first_only = run("fusebox", [call for call in OUTAGE if call.epoch != 8])
    assert "later periods" in broken(first_only)


def test_a_fourth_probe_in_flight_is_noticed():
    more = [line(6.225 + i / 1000, 0.022, epoch=109, probe=True) for i in range(2)]
    assert broken(with_second_period(*more), private_of(100)) == {"probes in flight"}


def test_a_call_that_nobody_granted_is_noticed():
    unasked = line(6.5, worker="go-1", epoch=0)
    assert "granted" in broken(with_second_period(unasked), private_of(100))


def test_a_worker_that_stays_away_is_noticed():
    gone = [call for call in with_second_period().calls if call.worker != "cpp-1"]
    assert "recovery" in broken(run("fusebox", gone), private_of(100))


def test_a_call_that_nginx_did_not_see_is_noticed():
    seen = with_second_period()
    assert broken(run("fusebox", seen.calls, asked=len(seen.calls) + 1), private_of(100)) == {
        "witness"
    }


def test_the_table_has_a_column_for_each_run_and_a_row_for_each_figure():
    runs = {"none": run("none", OUTAGE), "private": private_run(), "fusebox": with_second_period()}
    table = report.table(runs, RULES)
    header, *rows = [row for row in table.splitlines() if row.strip("- ")]
    assert [word in header for word in ("no breaker", "private", "Fusebox")] == [True] * 3
    (dead,) = [row for row in rows if "hit the dead upstream" in row]
    assert dead.split()[-3:] == ["5", "12", "6"]
