"""A check passes what it should, refuses what it should, and says where."""

import pytest
from conftest import ROOT, needs


def refuses(result, *words):
    passed, said = result
    assert not passed
    for word in words:
        assert word in said


def passes(result):
    passed, said = result
    assert passed, said


def test_words_passes_a_repository_that_names_no_place(tree):
    tree.write("docs/a.md", "Installs into /usr/bin and ~/.cache; see the /homes/ endpoint.\n")
    passes(tree.check("words"))


@pytest.mark.parametrize("place", ["/home/" + "ann/src", "/ro" + "ot/.cache", "/Users/" + "ann"])
def test_words_refuses_somebodys_home(tree, place):
    tree.write("docs/a.md", f"fine\nsee {place}\n")
    refuses(tree.check("words"), "./docs/a.md:2:", place)


def test_words_refuses_the_path_of_the_checkout(tree):
    tree.write("deploy/a.conf", f"root={tree.path}/build\n")
    refuses(tree.check("words"), "./deploy/a.conf:1:")


@pytest.mark.parametrize(
    "name, line",
    [
        ("package-lock.json", '"resolved": "https://example.com/a.tgz"'),
        ("requirements.txt", "--find-links elsewhere"),
        (".npmrc", "registry=https://example.com"),
    ],
)
def test_words_refuses_a_registry_in_a_lock_file(tree, name, line):
    tree.write(f"client/{name}", line + "\n")
    refuses(tree.check("words"), f"./client/{name}:1:")


def body(lines):
    return "int Long() {\n" + "  Call();\n" * (lines - 3) + "  return 0;\n}\n"


def test_size_passes_functions_of_70_lines_and_as_much_test_as_source(tree):
    tree.write("core/a.cc", body(70))
    tree.write("tests/core/a_test.cc", body(70))
    passed, said = tree.check("size")
    assert passed, said
    assert "1.00 of test per line of source" in said


def test_size_refuses_a_function_of_71_lines(tree):
    tree.write("core/a.cc", "\n" + body(71))
    tree.write("tests/core/a_test.cc", body(70) * 2)
    refuses(tree.check("size"), "core/a.cc:2: Long() has 71 lines")


def test_size_refuses_less_test_than_source(tree):
    tree.write("server/a.cc", body(40))
    tree.write("tests/server/a_test.cc", body(20))
    refuses(tree.check("size"), "0.50 lines of test per line of source")


@needs("clang-format-14", "shfmt")
@pytest.mark.parametrize(
    "name, good, bad",
    [
        ("core/a.cc", "int a = 1;\n", "int  a=1;\n"),
        ("deploy/run", "#!/bin/sh\nif a; then\n  b\nfi\n", "#!/bin/sh\nif a; then\n\tb\nfi\n"),
    ],
)
def test_format_refuses_what_the_formatters_would_change(tree, name, good, bad):
    tree.write(name, good)
    passes(tree.check("format"))
    tree.write(name, bad)
    refuses(tree.check("format"), name)


@needs("shellcheck")
def test_shell_looks_at_scripts_by_their_first_line(tree):
    tree.write("deploy/notes", "echo $1\n")
    tree.write("deploy/run.py", "#!/usr/bin/env python3\nprint($1)\n")
    passes(tree.check("shell"))
    tree.write("deploy/run", "#!/usr/bin/env bash\necho $1\n")
    refuses(tree.check("shell"), "deploy/run line 2", "SC2086")


@needs("yamllint")
def test_yaml_refuses_a_key_given_twice(tree):
    tree.write("deploy/a.yaml", "a: 1\n")
    passes(tree.check("yaml"))
    tree.write("deploy/a.yaml", "a: 1\na: 2\n")
    refuses(tree.check("yaml"), "./deploy/a.yaml", "key-duplicates")


PROTO = """syntax = "proto3";

package fusebox.v1;

import "google/rpc/status.proto";

// One thing.
message Thing {
  %s
  google.rpc.Status error = 1;
}
"""


@needs("protoc")
def test_proto_refuses_a_field_without_a_comment(tree):
    tree.write("proto/buf.yaml", (ROOT / "proto" / "buf.yaml").read_text())
    tree.write("proto/fusebox/v1/thing.proto", PROTO % "// What went wrong.")
    passes(tree.check("proto"))
    tree.write("proto/fusebox/v1/thing.proto", PROTO % "")
    refuses(tree.check("proto"), "fusebox/v1/thing.proto:10:3:", '"error"', "comment")


def only_these_checks(tree, **scripts):
    tree.write(".ci/install", "#!/bin/sh\n", executable=True)
    for name, script in scripts.items():
        tree.write(f".ci/checks/{name}", f"#!/bin/sh\n{script}\n", executable=True)


def test_check_goes_on_after_a_failure_and_fails_at_the_end(tree):
    only_these_checks(tree, words="echo line 7 is bad; exit 1", yaml="echo detail; echo 3 files")
    passed, said = tree.run(".ci/check", "words", "yaml")
    lines = said.splitlines()
    assert not passed
    assert lines[0].startswith("FAIL  words") and lines[1] == "line 7 is bad"
    assert lines[2].startswith("ok    yaml") and lines[2].endswith("3 files")
    assert lines[3:] == ["1 of 2 checks failed: words"]


def test_check_runs_the_checks_in_the_folder_unless_some_are_named(tree):
    names = [file.name for file in (ROOT / ".ci" / "checks").iterdir() if file.is_file()]
    only_these_checks(tree, **{name: "echo done" for name in names})
    passed, said = tree.run(".ci/check")
    assert passed
    assert said.count("ok    ") == len(names)


def test_check_refuses_a_name_that_it_does_not_know(tree):
    refuses(tree.run(".ci/check", "wrods"), 'no check "wrods"', "words")
