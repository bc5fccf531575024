"""The Debian package, and a clean root that it is installed into.

FUSEBOX_BUILD_DIR   the build that it is made of
"""

import os
import pathlib
import shutil
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from commands import install, run

BUILD = pathlib.Path(os.environ["FUSEBOX_BUILD_DIR"])
MINUTES = 600  # Seconds that a mirror may take.


@pytest.fixture(scope="session")
def package():
    run("cmake", "--build", BUILD, "--target", "debian_package", timeout=MINUTES)
    [made] = (BUILD / "package").glob("fusebox_*.deb")
    return made


@pytest.fixture(scope="session")
def clean_root(package, tmp_path_factory):
    """A Debian 12 with nothing but the package and what it depends on."""
    if os.geteuid() != 0:
        pytest.skip("a root of another system can only be made by root")
    root = tmp_path_factory.mktemp("clean") / "root"
    run(ROOT / "tests/deploy/debian-root", root, timeout=MINUTES)
    shutil.copy(package, root / "tmp/fusebox.deb")
    run("chroot", root, "apt-get", "update", "-qq", timeout=MINUTES)
    install(root, timeout=MINUTES)
    return root
