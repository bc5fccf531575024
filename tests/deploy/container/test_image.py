"""The image: its file passes the linter, and its root runs with nothing else in it."""

import os
import pathlib
import re
import subprocess

import pytest
from terminal import Terminal
from timing import PATIENCE_S

ROOT = pathlib.Path(__file__).parents[3]
DOCKERFILE = ROOT / "deploy/docker/Dockerfile"
SERVER = os.environ["FUSEBOX_SERVER_BINARY"]
CTL = os.environ["FUSEBOXCTL_BINARY"]
USER = "65532:65532"
TERMINALS = "linux screen screen-256color tmux tmux-256color vt100 xterm xterm-256color".split()


def run(*command):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What the Dockerfile's last step before the image makes."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a root that belongs to others, and enter it")
    folder = tmp_path_factory.mktemp("image") / "root"
    made = run(ROOT / "deploy/docker/rootfs", folder, SERVER, CTL)
    assert made.returncode == 0, made.stderr
    return folder


def enter(root, *command):
    return ["chroot", f"--userspec={USER}", root, *command]


def test_the_linter_finds_nothing():
    found = run(ROOT / ".tools/venv/bin/hadolint", "--no-color", DOCKERFILE)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_dockerfile_collects_the_same_programs_and_runs_them_as_the_same_user():
    text = DOCKERFILE.read_text()
    assert re.search(r"deploy/docker/rootfs \S+ build/release/server/fusebox build/release/\S+ctl", text)
    assert f"\nUSER {USER}\n" in text
    assert '\nENTRYPOINT ["/usr/bin/fusebox"]\n' in text


def test_there_is_no_shell_and_nothing_but_programs_libraries_and_terminals(root):
    found = run(*enter(root, "/bin/sh", "-c", "true"))
    assert found.returncode == 127
    files = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    libraries = {path for path in files if ".so" in path.name}
    assert {str(path) for path in files - libraries} == {
        "usr/bin/fusebox",
        "usr/bin/fuseboxctl",
        "etc/passwd",
        "etc/nsswitch.conf",
        *(f"lib/terminfo/{name[0]}/{name}" for name in TERMINALS),
    }


@pytest.fixture
def served(root):
    """The server in its root; what it says first."""
    # Not by setpriv's signal: the kernel forgets that when the user changes.
    process = subprocess.Popen(
        enter(root, "/usr/bin/fusebox", "--listen=127.0.0.1:0", "--http-listen=127.0.0.1:0")
        + ["--lame-duck=0s"],
        env={"FUSEBOX_DATA_DIR": "/var/lib/fusebox", "PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stderr.readline()
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, process.stderr.read()
        process.stderr.close()


def test_it_serves_as_nobody_in_particular_and_its_health_is_told(root, served):
    assert " event=serving " in served
    address = re.search(r" grpc=(\S+) ", served)[1]
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")  # Docker and Kubernetes have one.
    for way in (address, address.replace("127.0.0.1", "localhost")):
        health = run(*enter(root, "/usr/bin/fuseboxctl", "--server", way, "health"))
        assert health.stdout == "SERVING\n", health.stderr
    assert (root / "var/lib/fusebox").stat().st_uid == 65532
    assert list((root / "var/lib/fusebox").iterdir()), "its data is kept where the volume is"


@pytest.mark.parametrize("name", TERMINALS)
def test_top_draws_on_a_terminal(root, served, name):
    address = re.search(r" grpc=(\S+) ", served)[1]
    top = enter(root, "/usr/bin/fuseboxctl", "--server", address, "top")
    with Terminal(top, {"TERM": name, "PATH": os.environ["PATH"]}) as terminal:
        terminal.until("0 breakers")
        terminal.press("q")
        assert terminal.end() == 0
