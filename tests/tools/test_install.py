"""What .ci/install installed can be used, and it installs nothing twice."""

import subprocess

import pytest
from conftest import ROOT


def install(*arguments):
    return subprocess.run([ROOT / ".ci" / "install", *arguments], capture_output=True, text=True)


def test_a_second_install_has_nothing_to_do():
    done = install("test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_level_that_does_not_exist_is_refused_with_those_that_do():
    done = install("everything")
    assert done.returncode == 1
    assert '"everything"' in done.stderr and "build, graph, test or check" in done.stderr


@pytest.mark.parametrize("name", ["code", "error_details", "status"])
def test_the_messages_of_rpc_errors_are_there(name):
    assert (ROOT / ".tools/googleapis/google/rpc" / f"{name}.proto").is_file()
