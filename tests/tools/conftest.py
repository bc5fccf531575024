"""A repository to try the tools on: the tools themselves and nothing else."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tree:
    """A folder that the tools take for the repository, as they find it from their own place."""

    def __init__(self, path):
        self.path = path
        shutil.copytree(ROOT / ".ci", path / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
        for name in (".clang-format", ".clang-tidy", ".editorconfig", ".shellcheckrc", ".yamllint"):
            shutil.copy(ROOT / name, path)
        (path / ".tools").symlink_to(ROOT / ".tools")

    def write(self, name, text, executable=False):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if executable:
            file.chmod(0o755)
        return file

    def run(self, *command):
        """Runs a script of the tree; returns (whether it passed, all that it said)."""
        done = subprocess.run(
            [self.path / command[0], *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode == 0, done.stdout

    def check(self, name):
        return self.run(f".ci/checks/{name}")


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.mkdir()
    return Tree(path)


def needs(*things):
    """Skips a test of a linter, by its programs and files, where only `.ci/install test` was run."""
    missing = [thing for thing in things if not (shutil.which(thing) or os.path.exists(thing))]
    return pytest.mark.skipif(bool(missing), reason=f"run .ci/install check for {missing}")
