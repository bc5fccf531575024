"""The checks that Clang does: which sources, how compiled, and when again."""

import json
import sys

import pytest
from conftest import ROOT, needs

sys.path.insert(0, str(ROOT / ".ci" / "lib"))
import clang

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(small LANGUAGES CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(absl CONFIG REQUIRED)
add_library(small STATIC core/counter.cc)
target_include_directories(small PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(small PRIVATE absl::synchronization)
target_precompile_headers(small PRIVATE <string>)
"""
PRESET = {
    "version": 6,
    "configurePresets": [
        {"name": "release", "generator": "Ninja", "binaryDir": "${sourceDir}/build/release"}
    ],
}
COUNTER_H = """#include "absl/synchronization/mutex.h"

class Counter {
 public:
  int Next();

 private:
  absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};
"""
LOCKED = "  const absl::MutexLock lock(&mutex_);\n"
COUNTER_CC = '#include "core/counter.h"\n\nint Counter::Next() {\n%s  return ++count_;\n}\n'


@pytest.fixture
def small(tree):
    tree.write("CMakeLists.txt", CMAKE)
    tree.write("CMakePresets.json", json.dumps(PRESET))
    tree.write("core/counter.h", COUNTER_H)
    tree.write("core/counter.cc", COUNTER_CC % LOCKED)
    return tree


@needs("clang++-14")
def test_thread_safety_refuses_a_guarded_member_without_its_lock(small):
    assert small.check("thread-safety") == (True, "1 files, 1 of them anew, 0 with findings\n")
    small.write("core/counter.cc", COUNTER_CC % "")
    passed, said = small.check("thread-safety")
    assert not passed
    assert "requires holding mutex 'mutex_'" in said


@needs("clang-tidy-14", "/usr/lib/llvm-14/include/clang-tidy")
def test_tidy_refuses_a_name_that_is_not_googles(small):
    assert small.check("tidy") == (True, "1 files, 1 of them anew, 0 with findings\n")
    small.write("core/counter.h", COUNTER_H.replace("count_", "Count"))
    small.write("core/counter.cc", (COUNTER_CC % LOCKED).replace("count_", "Count"))
    passed, said = small.check("tidy")
    assert not passed
    assert "core/counter.h" in said and "invalid case style for private member 'Count'" in said


@needs("clang++-14", "clang-tidy-14", "/usr/lib/llvm-14/include/clang-tidy")
def test_common_headers_are_parsed_once_and_hide_nothing(small):
    names = [f"core/counter_{i}.cc" for i in range(11)]
    small.write("CMakeLists.txt", CMAKE.replace("core/counter.cc", " ".join(names)))
    (small.path / "core/counter.cc").unlink(missing_ok=True)
    for name in names:
        small.write(name, COUNTER_CC % LOCKED)
    assert small.check("thread-safety") == (True, "11 files, 11 of them anew, 0 with findings\n")
    headers = list((small.path / "build/release/checked/headers").glob("*.h"))
    assert ['"absl/synchronization/mutex.h"' in file.read_text() for file in headers] == [True]

    small.write(names[5], COUNTER_CC % "")
    passed, said = small.check("thread-safety")
    assert not passed
    assert "core/counter_5.cc" in said and "requires holding mutex 'mutex_'" in said
    assert said.endswith("11 files, 1 of them anew, 1 with findings\n")

    small.write(names[5], COUNTER_CC % LOCKED + "int Bad_name();\n")
    passed, said = small.check("tidy")
    assert not passed
    assert "invalid case style for function 'Bad_name'" in said
    assert said.endswith("11 files, 11 of them anew, 1 with findings\n")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A repository with one source and its compile command, and no need of a compiler."""
    monkeypatch.setattr(clang, "ROOT", tmp_path)
    monkeypatch.setattr(clang, "BUILD", tmp_path / "build")
    clang._included.cache_clear()
    clang._digest.cache_clear()
    files = {
        "core/a.cc": '#include "core/a.h"\n#include <string>\n',
        "core/a.h": '#include "fusebox/v1/a.grpc.pb.h"\n',
        "proto/fusebox/v1/a.proto": 'import "fusebox/v1/b.proto";\n',
        "proto/fusebox/v1/b.proto": "",
        "core/other.h": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "build").mkdir()
    entries = [
        entry(tmp_path, "core/a.cc"),
        entry(tmp_path, "build/gen/a.pb.cc"),
        entry(tmp_path, "core/deleted.cc"),
    ]
    (tmp_path / "build" / "compile_commands.json").write_text(json.dumps(entries))
    return tmp_path


def entry(root, name):
    pch = "-Winvalid-pch -include build/x.dir/cmake_pch.hxx"
    command = f"ccache /usr/bin/c++ -DA=1 -isystem gen -O2 {pch} -o a.o -c {root}/{name}"
    return {"directory": str(root), "file": f"{root}/{name}", "command": command}


def again(build):
    """As a new run of the script, which has read nothing yet."""
    clang._included.cache_clear()
    clang._digest.cache_clear()
    counter = build / "runs"
    before = counter.read_text().count("\n") if counter.exists() else 0
    recipe = lambda source: ["sh", "-c", f"echo ran >>{counter}; test ! -e {build}/broken"]
    failed = clang.check("demo", clang.sources(), recipe, settings=["core/other.h"])
    return failed, counter.read_text().count("\n") - before if counter.exists() else 0


def test_a_source_is_compiled_without_the_precompiled_header_of_gcc(build):
    (source,) = clang.sources()
    assert source.path == build / "core" / "a.cc"
    assert source.flags == ("-DA=1", "-isystem", "gen", "-O2", "-Wno-unknown-warning-option")


def test_a_source_that_the_build_leaves_out_is_named(build):
    (build / "core" / "forgotten.cc").touch()
    with pytest.raises(SystemExit, match="does not compile .*core/forgotten.cc"):
        clang.sources()


def test_generated_headers_stand_for_their_message_definitions(build):
    names = [str(file.relative_to(build)) for file in clang.reached(build / "core" / "a.cc")]
    assert names == [
        "core/a.cc", "core/a.h", "proto/fusebox/v1/a.proto", "proto/fusebox/v1/b.proto"
    ]  # fmt: skip


def test_what_passed_is_not_checked_again_until_something_it_reaches_changes(build, capsys):
    assert again(build) == (0, 1)
    assert again(build) == (0, 0)
    (build / "proto/fusebox/v1/b.proto").write_text("// A change.\n")
    assert again(build) == (0, 1)
    (build / "core/other.h").write_text("// A change of the settings.\n")
    assert again(build) == (0, 1)
    assert "1 files, 1 of them anew, 0 with findings" in capsys.readouterr().out


def test_what_failed_is_checked_again(build):
    (build / "broken").touch()
    assert again(build) == (1, 1)
    assert again(build) == (1, 1)
    (build / "broken").unlink()
    assert again(build) == (0, 1)


def test_a_command_that_does_not_run_ends_the_check_with_its_output():
    with pytest.raises(SystemExit, match="out of luck"):
        clang.run(["sh", "-c", "echo out of luck; exit 3"])
