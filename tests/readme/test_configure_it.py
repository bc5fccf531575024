"""The file of "Configure it" is one that a server takes."""

import pytest
from server_process import ServerProcess, run
from snippets import block


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "fusebox.yaml"
    file.write_text(block("yaml"))
    return f"--config={file}"


def test_is_shown_to_be_in_force(config):
    done = run(config, "--print-config")
    assert done.returncode == 0, done.stderr
    for name in ("payments", "checkout"):
        assert f"name: {name}\n" in done.stdout


def test_is_served_with(config):
    with ServerProcess(config) as server:
        assert server.get("/readyz")[0] == 200
