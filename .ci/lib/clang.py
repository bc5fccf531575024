"""Runs a Clang tool over the C++ sources, in parallel, and only over what changed.

A source is checked again when its text, its compile command, the recipe or any file of ours that it
reaches through includes changed; what passed is remembered in the build folder. System headers are
not followed: a new release of them is checked with the next change.
"""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
FOLDERS = ("core", "server", "proto", "client", "tests")
APART = ROOT / "tests/client/cpp/package"  # A project of its own, which a test builds.
_INCLUDE = re.compile(r'^\s*(?:#\s*include|import)\s+"([^"]+)"', re.MULTILINE)
_ANY_INCLUDE = re.compile(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")', re.MULTILINE)
# A header that so many sources reach is parsed once for all of them.
_COMMON = 10


@dataclasses.dataclass(frozen=True)
class Source:
    """One source and how Clang compiles it."""

    path: pathlib.Path
    folder: str
    flags: tuple[str, ...]


def run(command):
    """Returns what a command printed; ends the check with it if the command failed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def prepare():
    """Configures the release build, a file at a time, and generates the headers that are included."""
    commands = BUILD / "compile_commands.json"
    if not commands.exists() or "/Unity/unity_" in commands.read_text():
        run(["cmake", "--preset", "release", "-DBUILD_TESTING=ON", "-DCMAKE_UNITY_BUILD=OFF"])
    targets = run(["ninja", "-C", BUILD, "-t", "targets", "all"])
    generated = re.findall(r"^(\S+\.pb\.h):", targets, re.MULTILINE)
    run(["ninja", "-C", BUILD, *generated])


def sources():
    """Returns our sources that the release build compiles, each once."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS:
            found[path] = Source(path, entry["directory"], _flags(entry))
    there = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*.cc")}
    missing = [str(path) for path in there - found.keys() if not path.is_relative_to(APART)]
    if missing:
        sys.exit(f"The release build does not compile {', '.join(missing)}, so they are not checked")
    return [found[path] for path in sorted(found) if path.exists()]


def reached(path):
    """Returns the source and the files of ours that it includes, directly or not."""
    seen, todo = set(), [path]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo.extend(_included(file))
    return sorted(seen)


def check(name, chosen, recipe, settings=()):
    """Runs `recipe(source)`, an argument list, on each source; returns how many failed.

    `settings` are files whose change asks for a new run of everything.
    """
    cache = BUILD / "checked" / name
    cache.mkdir(parents=True, exist_ok=True)
    keys = {source: _key(source, recipe, settings) for source in chosen}
    stale = [source for source in chosen if not (cache / keys[source]).exists()]
    for key in {file.name for file in cache.iterdir()} - set(keys.values()):
        (cache / key).unlink(missing_ok=True)
    failed = 0
    header = _precompile(chosen) if stale else ()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(_check_one, source, recipe, header): source for source in stale}
        for job in concurrent.futures.as_completed(jobs):
            output, passed = job.result()
            if passed:
                (cache / keys[jobs[job]]).touch()
            else:
                failed += 1
                print(output, flush=True)
    print(f"{len(chosen)} files, {len(stale)} of them anew, {failed} with findings")
    return failed


def _check_one(source, recipe, header):
    given = dataclasses.replace(source, flags=(*header, *source.flags))
    done = subprocess.run(recipe(given), cwd=source.folder, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode == 0


def _precompile(chosen):
    """Precompiles the headers of others that many sources reach; returns the flags to use it."""
    reaching = collections.Counter()
    for source in chosen:
        reaching.update(set().union(*(_foreign(file) for file in reached(source.path))))
    common = sorted(name for name, sources in reaching.items() if sources >= _COMMON)
    if not common:
        return ()
    text = "".join(f"#if __has_include({n})\n#include {n}\n#endif\n" for n in common)
    defines = {flag for source in chosen for flag in source.flags if flag.startswith("-D")}
    flags = [*sorted(defines), "-pthread", "-O2", "-std=c++20"]
    options = ["-x", "c++-header", "-Xclang", "-fpch-instantiate-templates"]
    command = ["clang++-14", *options, *flags, *_pairs(chosen, "-isystem")]
    name = hashlib.sha256(shlex.join([*command, text]).encode()).hexdigest()
    header = BUILD / "checked" / "headers" / f"{name}.h"
    compiled = header.with_suffix(".pch")
    if not compiled.exists():
        replace(header, lambda new: new.write_text(text))
        replace(compiled, lambda new: run([*command, header, "-o", new]))
    return ("-include-pch", str(compiled), *flags)


def replace(path, make):
    """Replaces a file by what `make(file)` makes, at once: others may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    make(new)
    new.replace(path)


def _pairs(chosen, flag):
    found = {
        (flag, value)
        for source in chosen
        for word, value in zip(source.flags, source.flags[1:])
        if word == flag
    }
    return itertools.chain(*sorted(found))


def _flags(entry):
    """The compile flags without the compiler, its outputs and GCC's precompiled header."""
    words = shlex.split(entry["command"])
    words = words[next(i for i, word in enumerate(words) if word.startswith("-")) :]
    kept, skip = [], 0
    for word, following in zip(words, [*words[1:], ""]):
        if skip:
            skip -= 1
        elif word in ("-o", "-c", "-MF", "-MT") or following.endswith("cmake_pch.hxx"):
            skip = 1
        elif word not in ("-MD", "-Winvalid-pch", "-fPIC", "-fPIE"):
            kept.append(word)
    return tuple([*kept, "-Wno-unknown-warning-option"])


@functools.cache
def _included(file):
    found = []
    for name in _INCLUDE.findall(file.read_text()):
        # What protoc generated changes with the message definitions.
        name = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", name)
        found.extend(_places(file, name)[:1])
    return found


@functools.cache
def _foreign(file):
    """What the file includes that is not ours, as it is written there."""
    names = set(_ANY_INCLUDE.findall(file.read_text()))
    return {name for name in names if name[0] == "<" or not _places(file, name.strip('"'))}


def _places(file, name):
    places = [folder / name for folder in (file.parent, ROOT, ROOT / "proto", ROOT / "tests")]
    return [place.resolve() for place in places if place.is_file()]


@functools.cache
def _digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _key(source, recipe, settings):
    parts = [shlex.join(map(str, recipe(source)))]
    parts += [_digest(ROOT / file) for file in settings]
    parts += [_digest(file) for file in reached(source.path)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
