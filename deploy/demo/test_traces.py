"""Tests of the traces that are recorded for `fuseboxctl simulate`."""

import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import analysis
import traces

FOLDER = pathlib.Path(__file__).parent / "traces"
MOST_BYTES = 300_000


def line(end, took, status=200, worker="go-1", attempt=1):
    """One line as nginx writes it when nobody was asked."""
    return json.dumps(
        {
            "end": f"{end:.3f}",
            "took": f"{took:.3f}",
            "status": str(status),
            "worker": worker,
            "attempt": str(attempt),
            "breaker": "",
            "epoch": "0",
            "probe": "0",
        }
    )


# nginx logs a call at its end; a trace has it at its start.
def test_a_trace_has_a_row_for_each_call_by_its_start():
    calls = analysis.parse([
        line(1700000000.030, 0.020),
        line(1700000000.041, 0.001, status=502, worker="cpp-1", attempt=2),
        line(1700000000.262, 0.250, worker="node-1"),
    ])
    assert traces.rows(calls) == [
        "time,client,outcome,latency,attempt",
        "0.000,go-1,200,0.020,1",
        "0.002,node-1,200,0.250,1",
        "0.030,cpp-1,502,0.001,2",
    ]


def test_a_trace_without_calls_has_its_header():
    assert traces.rows([]) == [traces.HEADER]


@pytest.mark.parametrize("scenario", traces.SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_traces_that_are_shipped_are_of_this_kind(scenario):
    text = (FOLDER / f"{scenario.name}.csv").read_text()
    header, *rows = text.splitlines()
    assert header == traces.HEADER
    times = [float(row.split(",")[0]) for row in rows]
    assert times == sorted(times)
    assert len(text) < MOST_BYTES
    assert {row.split(",")[2] for row in rows} > {"200"}
