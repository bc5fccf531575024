"""Each file of deploy/policies serves by itself and with all others, is explained and is tested."""

import importlib
import inspect
import re

import pytest
import yaml
from api import Api
from files import FOLDER, HERE, module_of, policy_files
from fusebox.v1 import breaker_pb2 as pb
from server_process import ServerProcess

FILES = policy_files()
NUMBERS_PER_REASON = 3
SETTING = re.compile(r" +[a-z_]+: [^#]+(#.*)?")

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def breaker_of(file):
    """A breaker that the file's policy is for: the one that its tests call."""
    return importlib.import_module(module_of(file)).BREAKER


def ruler(api, breaker):
    assert api.allow(breaker).decision == pb.DECISION_ALLOWED
    return api.get(breaker).policy


@each_file
def test_a_server_serves_with_it(file):
    with ServerProcess(f"--config={file}") as server, Api(server.address) as api:
        assert api.info().policies == 2  # Its own and "default".
        assert ruler(api, breaker_of(file)) == file.stem
        assert ruler(api, "something/else") == "default"


def test_a_server_serves_with_all_of_them_in_one_file(tmp_path):
    contents = [yaml.safe_load(file.read_text()) for file in FILES]
    keys = ("policies", "retry_budgets")
    together = {key: [one for content in contents for one in content.get(key, [])] for key in keys}
    path = tmp_path / "fusebox.yaml"
    path.write_text(yaml.safe_dump(together))
    with ServerProcess(f"--config={path}") as server, Api(server.address) as api:
        assert api.info().policies == len(FILES) + 1
        assert [ruler(api, breaker_of(file)) for file in FILES] == [file.stem for file in FILES]


@each_file
def test_its_promises_are_tested(file):
    assert (HERE / f"{module_of(file)}.py").exists(), f"{file.name} has no {module_of(file)}.py"
    members = vars(importlib.import_module(module_of(file))).items()
    tests = [test for name, test in members if name.startswith("test_")]
    assert any("fleet" in inspect.signature(test).parameters for test in tests)


@each_file
def test_each_of_its_numbers_has_a_reason(file):
    since = NUMBERS_PER_REASON  # How many settings ago the last comment was.
    for line in file.read_text().splitlines():
        if line.lstrip().startswith("#"):
            since = 0
        elif match := SETTING.fullmatch(line):
            since += 1
            assert match[1] or since <= NUMBERS_PER_REASON, f"{file.name} says no why of {line!r}"
        else:
            since = NUMBERS_PER_REASON  # A section begins, and has no comment yet.


@each_file
def test_the_readme_says_what_it_is_for(file):
    assert f"[{file.name}]({file.name})" in (FOLDER / "README.md").read_text()


def test_there_is_nothing_else_in_the_folder():
    assert set(FOLDER.iterdir()) == {*FILES, FOLDER / "README.md"}
