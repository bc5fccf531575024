"""The Debian package is built, installed into a clean root, and what is in it runs there."""

import pathlib
import re
import subprocess

import pytest
from commands import run
from timing import PATIENCE_S

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def installed(clean_root):
    """The server of the package, on free ports; what it says, as it says it."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", "chroot", clean_root, "/usr/bin/fusebox"]
        + ["--config=/etc/fusebox/fusebox.yaml", "--listen=127.0.0.1:0"]
        + ["--http-listen=127.0.0.1:0", "--lame-duck=0s"],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    greeting = process.stderr.readline()
    yield greeting
    process.terminate()
    assert process.wait(PATIENCE_S) == 0, process.stderr.read()
    process.stderr.close()


def test_what_it_says_of_itself(package):
    control = run("dpkg-deb", "--info", package)
    version = re.search(r"project\(fusebox VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert re.search(rf"^ Version: {version}$", control, re.MULTILINE)
    assert "libgrpc++1.51" in control
    assert "conffiles" in control


def test_what_is_in_it(package):
    files = run("dpkg-deb", "--contents", package)
    for name in (
        "./usr/bin/fusebox",
        "./usr/bin/fuseboxctl",
        "./lib/systemd/system/fusebox.service",
        "./etc/fusebox/fusebox.yaml",
        "./usr/share/bash-completion/completions/fuseboxctl",
        "./usr/share/zsh/vendor-completions/_fuseboxctl",
        "./usr/share/fish/vendor_completions.d/fuseboxctl.fish",
        "./usr/share/doc/fusebox/copyright",
    ):
        assert re.search(rf" {re.escape(name)}$", files, re.MULTILINE), files
    assert not re.search(r"\.(a|h|cmake)$", files, re.MULTILINE), "it is not for building"


def test_its_server_starts_in_a_clean_root_and_answers(clean_root, installed):
    assert " event=serving " in installed
    address = re.search(r" grpc=(\S+) ", installed)[1]
    said = run("chroot", clean_root, "/usr/bin/fuseboxctl", "--server", address, "allow", "db/orders")
    assert "ALLOWED" in said
    assert run("chroot", clean_root, "/usr/bin/fuseboxctl", "--server", address, "health") == "SERVING\n"
    assert list((clean_root / "var/lib/fusebox").iterdir()), "what it keeps is where the unit lets it"


def test_its_unit_exposes_little():
    """At most 2.0 of 10, as systemd reckons."""
    unit = ROOT / "deploy/systemd/fusebox.service"
    run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", unit)


def test_its_unit_is_understood(tmp_path):
    """With programs that are there: whether they exist is not for this test to say."""
    unit = (ROOT / "deploy/systemd/fusebox.service").read_text()
    copy = tmp_path / "fusebox.service"
    copy.write_text(unit.replace("/usr/bin/fusebox", "/bin/true"))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "fusebox.service" not in said.stderr, said.stderr
    assert said.returncode == 0, said.stderr
