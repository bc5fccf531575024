"""The files of deploy/policies, and which module tests which."""

import pathlib

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parents[2] / "deploy" / "policies"


def policy_files():
    """All of them, in the order of their names."""
    return sorted(FOLDER.glob("*.yaml"))


def module_of(file):
    """The name of the module that tests a file."""
    return "test_" + file.stem.replace("-", "_")


def file_of(module):
    """The file that a module tests."""
    (file,) = (file for file in policy_files() if module_of(file) == module)
    return file
