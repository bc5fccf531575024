"""The Debian package is built, installed into a clean root, and what is in it runs there."""

import contextlib
import pathlib
import re
import stat
import subprocess

from commands import run
from timing import PATIENCE_S

ROOT = pathlib.Path(__file__).parents[3]
UNIT = ROOT / "deploy/systemd/fusebox.service"


def of_unit(setting):
    [value] = re.findall(rf"^{setting}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return value


@contextlib.contextmanager
def serving(root, listen):
    """The server of the package, under the unit's umask; what it says when it serves."""
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", "chroot", root, "/usr/bin/fusebox"]
        + ["--config=/etc/fusebox/fusebox.yaml", f"--listen={listen}"]
        + ["--http-listen=127.0.0.1:0", "--lame-duck=0s"],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        umask=int(of_unit("UMask"), 8),
    )
    try:
        yield process.stderr.readline()
    finally:
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


def test_its_server_starts_in_a_clean_root_and_answers(clean_root):
    with serving(clean_root, "127.0.0.1:0") as greeting:
        assert " event=serving " in greeting
        address = re.search(r" grpc=(\S+) ", greeting)[1]
        ask = ("chroot", clean_root, "/usr/bin/fuseboxctl", "--server", address)
        assert "ALLOWED" in run(*ask, "allow", "db/orders")
        assert run(*ask, "health") == "SERVING\n"
        assert list((clean_root / "var/lib/fusebox").iterdir()), "it keeps where the unit lets it"


def test_its_group_alone_may_open_the_socket_that_its_configuration_proposes(clean_root):
    settings = (clean_root / "etc/fusebox/fusebox.yaml").read_text()
    [socket] = re.findall(r'"(unix:.*)"', settings)
    path = clean_root / socket.removeprefix("unix:/")
    assert path.parent == clean_root / "run" / of_unit("RuntimeDirectory")
    path.parent.mkdir(mode=int(of_unit("RuntimeDirectoryMode"), 8))
    assert stat.filemode(path.parent.stat().st_mode) == "drwxr-x---"
    with serving(clean_root, socket):
        assert stat.filemode(path.stat().st_mode) == "srwxrwx---"


def test_its_unit_exposes_little():
    """At most 2.0 of 10, as systemd reckons."""
    run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", UNIT)


def test_its_unit_is_understood(tmp_path):
    """With programs that are there: whether they exist is not for this test to say."""
    unit = UNIT.read_text()
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
