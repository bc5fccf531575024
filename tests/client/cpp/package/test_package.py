"""The C++ client as others use it: installed, found, linked, and without the server.

    FUSEBOX_BUILD   the build whose package is installed
"""

import os
import pathlib
import subprocess

EXAMPLE = pathlib.Path(__file__).parent
PATIENCE_S = 600


def run(*command):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_program_finds_it_and_decides(tmp_path):
    prefix, build = tmp_path / "prefix", tmp_path / "build"
    run("cmake", "--install", os.environ["FUSEBOX_BUILD"], "--prefix", prefix, "--component", "client")
    run("cmake", "-S", EXAMPLE, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    run("cmake", "--build", build)
    # Nobody serves there: it decides alone.
    assert run(build / "shop", "127.0.0.1:1") == "order 7\n"
    symbols = run("nm", "--demangle", build / "shop")
    assert "fusebox::internal::LocalBreaker::" in symbols
    assert "fusebox::Engine::" not in symbols
    assert "fusebox::Sessions::" not in symbols
    metrics = run(build / "metrics", "127.0.0.1:1")
    assert 'fusebox_client_decisions_total{source="local"} 1\n' in metrics
    headers = sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*.h"))
    assert headers == [
        "include/fusebox/backlog.h",
        "include/fusebox/breaker.h",
        "include/fusebox/call_time.h",
        "include/fusebox/cancellation.h",
        "include/fusebox/client.h",
        "include/fusebox/client_clock.h",
        "include/fusebox/core/outcome.h",
        "include/fusebox/core/reason.h",
        "include/fusebox/core/state.h",
        "include/fusebox/decisions.h",
        "include/fusebox/fallback.h",
        "include/fusebox/grpc.h",
        "include/fusebox/grpc_status.h",
        "include/fusebox/internal/cells.h",
        "include/fusebox/internal/gate.h",
        "include/fusebox/internal/stopwatch.h",
        "include/fusebox/internal/thread_slot.h",
        "include/fusebox/last_good.h",
        "include/fusebox/pipeline.h",
        "include/fusebox/prometheus.h",
        "include/fusebox/stages.h",
        "include/fusebox/thread_pool.h",
        "include/fusebox/without_server.h",
    ]
