#!/usr/bin/env python3
"""Measures what a pipeline is worth: a real service with faults, called with and without one.

    tests/e2e/pipeline/trials.py [--seconds=10] [--write]

prints the table of docs/pipeline.md, or writes it there. Takes about five minutes, and the release
build. From a test: measure().

    FUSEBOX_SERVER_BINARY, FUSEBOX_FLAKY_UPSTREAM, FUSEBOX_STEADY_CALLER   the programs
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "release"
DEFAULTS = {
    "FUSEBOX_SERVER_BINARY": BUILD / "server" / "fusebox",
    "FUSEBOX_FLAKY_UPSTREAM": BUILD / "tests" / "e2e" / "flaky_upstream",
    "FUSEBOX_STEADY_CALLER": BUILD / "tests" / "e2e" / "steady_caller",
}
PAGE = ROOT / "docs" / "pipeline.md"
BEGIN, END = "<!-- trials -->\n", "<!-- /trials -->\n"

# What the arguments of flaky_upstream are for so many seconds of calls.
FAULTS = {
    "1 % errors": lambda seconds: [0.01, 0],
    "30 % errors": lambda seconds: [0.3, 0],
    "2 % take 200 ms": lambda seconds: [0, 0.02],
    "down for a third of the time": lambda seconds: [0, 0, seconds / 3, 2 * seconds / 3],
}
PIPELINES = [
    "none",
    "retry+timeout",
    "retry+timeout+breaker",
    "retry+hedge+timeout",
    "retry+hedge+timeout+breaker",
]
POLICY = """
policies:
  - name: default
    circuit_breaker: {open_duration: 0.5s, consecutive_failures: 20, failure_rate_threshold: 0.6}
    retry: {base_backoff: 0.01s, max_backoff: 0.2s}
"""


def program(name):
    return str(os.environ.get(name, DEFAULTS[name]))


def measure(faults, pipeline, seconds):
    """One trial. What steady_caller prints, and `load`: calls that the service got, of those made."""
    from server_process import ServerProcess

    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "fusebox.yaml"
        config.write_text(POLICY)
        with ServerProcess("--store=MEMORY", f"--config={config}") as server:
            return _measure(FAULTS[faults](seconds), pipeline, seconds, server.address)


def _measure(faults, pipeline, seconds, fusebox):
    upstream = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", program("FUSEBOX_FLAKY_UPSTREAM")]
        + [str(fault) for fault in faults],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    address = upstream.stdout.readline().strip()
    caller = subprocess.run(
        [program("FUSEBOX_STEADY_CALLER"), address, fusebox, pipeline, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    upstream.stdin.close()
    got = int(upstream.stdout.readline())
    upstream.wait(60)
    result = json.loads(caller.stdout)
    return {**result, "load": got / result["calls"], "success": result["successes"] / result["calls"]}


def table(seconds):
    lines = [
        "| the service | stages | succeeded | calls it got, of those made | p50 | p99 | p99.9 |\n",
        "|---|---|---|---|---|---|---|\n",
    ]
    for faults in FAULTS:
        for pipeline in PIPELINES:
            trial = measure(faults, pipeline, seconds)
            lines.append(
                f"| {faults} | {pipeline.replace('+', ', ')} | {trial['success']:.2%} "
                f"| {trial['load']:.3f} "
                f"| {trial['p50']:.0f} ms | {trial['p99']:.0f} ms | {trial['p999']:.0f} ms |\n"
            )
            print(lines[-1], end="", file=sys.stderr)
    return "".join(lines)


def main():
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    for name, path in DEFAULTS.items():
        os.environ.setdefault(name, str(path))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of each trial")
    parser.add_argument("--write", action="store_true", help="into docs/pipeline.md")
    arguments = parser.parse_args()
    text = table(arguments.seconds)
    if not arguments.write:
        print(text, end="")
        return
    page = PAGE.read_text()
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    PAGE.write_text(re.sub(pattern, lambda _: BEGIN + "\n" + text + "\n" + END, page, flags=re.S))


if __name__ == "__main__":
    main()
