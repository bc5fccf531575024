"""What the package's scripts do to the service: an administrator has the last word.

Nothing runs systemd here. Where a script takes it for running, a program of the tests notes what
it is asked.
"""

import contextlib

import pytest
from commands import install, run

LINK = "etc/systemd/system/multi-user.target.wants/fusebox.service"
RELOAD = "--system daemon-reload"
START = "--quiet --system start fusebox.service"
RESTART = "--quiet --system restart fusebox.service"
# Says of the unit what its link says, and that it runs if there is /tmp/runs.
SYSTEMCTL = f"""#!/bin/sh
echo "$*" >>/tmp/asked
case $* in
  *is-enabled*) if [ -L /{LINK} ]; then echo enabled; else echo disabled; fi ;;
  *is-active*) [ -e /tmp/runs ] ;;
  *preset*) ln -s /lib/systemd/system/fusebox.service /{LINK} ;;
esac
"""


def executable(file, text):
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def asked(clean_root):
    """As if systemd ran: returns what it has been told to do since."""
    (clean_root / "run/systemd/system").mkdir(parents=True)
    executable(clean_root / "usr/bin/systemctl", SYSTEMCTL)

    def orders():
        lines = (clean_root / "tmp/asked").read_text().splitlines()
        return [line for line in lines if " is-" not in line]

    yield orders
    (clean_root / "run/systemd/system").rmdir()
    for name in ("usr/bin/systemctl", "tmp/asked"):
        (clean_root / name).unlink(missing_ok=True)


@contextlib.contextmanager
def disabled(root):
    """As after `systemctl disable`, and then as before."""
    target = (root / LINK).readlink()
    (root / LINK).unlink()
    yield
    (root / LINK).symlink_to(target)


def test_it_starts_with_the_machine_though_no_systemd_ran_when_it_was_installed(clean_root):
    assert (clean_root / LINK).is_symlink()


def test_an_upgrade_restarts_it(clean_root, asked):
    install(clean_root)
    assert asked() == [RELOAD, RESTART]
    assert (clean_root / LINK).is_symlink()


def test_what_is_disabled_stays_so_and_is_not_started(clean_root, asked):
    with disabled(clean_root):
        install(clean_root)
        assert not (clean_root / LINK).is_symlink()
        assert asked() == [RELOAD]


def test_what_is_disabled_but_runs_is_restarted(clean_root, asked):
    runs = clean_root / "tmp/runs"
    runs.touch()
    with disabled(clean_root):
        install(clean_root)
        assert asked() == [RELOAD, RESTART]
    runs.unlink()


def test_policy_rc_d_may_forbid_all_of_it(clean_root, asked):
    policy = clean_root / "usr/sbin/policy-rc.d"
    executable(policy, "#!/bin/sh\nexit 101\n")
    install(clean_root)
    assert asked() == [RELOAD]
    policy.unlink()


def test_what_it_kept_is_there_until_it_is_purged(clean_root, asked):
    kept = [clean_root / "etc/fusebox/fusebox.yaml", clean_root / "var/lib/private/fusebox/data"]
    kept[1].parent.mkdir(parents=True)
    kept[1].touch()
    run("chroot", clean_root, "dpkg", "--remove", "fusebox")
    assert asked() == ["stop fusebox.service", RELOAD]
    assert not (clean_root / "usr/bin/fusebox").exists()
    assert [file for file in kept if not file.exists()] == []
    run("chroot", clean_root, "dpkg", "--purge", "fusebox")
    for folder in ("etc", "usr", "var/lib"):
        assert sorted((clean_root / folder).rglob("*fusebox*")) == []
    install(clean_root)  # As the other tests have it.


def test_a_first_installation_enables_and_starts_it(clean_root, asked):
    run("chroot", clean_root, "dpkg", "--purge", "fusebox")
    install(clean_root)
    assert (clean_root / LINK).is_symlink()
    assert asked()[-2:] == [RELOAD, START]
