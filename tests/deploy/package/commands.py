"""Commands, in a clean root and outside."""

import os
import subprocess

from timing import PATIENCE_S


def run(*command, timeout=PATIENCE_S, **options):
    """Runs a command that is to succeed, and returns what it said."""
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, **options
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def install(root, **options):
    """Installs the package into a root, over what is installed there."""
    run(
        *("chroot", root, "apt-get", "install", "-qq", "--yes", "--no-install-recommends"),
        *("--reinstall", "/tmp/fusebox.deb"),
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        **options,
    )
