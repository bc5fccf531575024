"""The picture of who may include whom, and that the build holds everybody to it.

    FUSEBOX_LIBRARIES   what CMake says of each library: its own folders and those that it sees
    CXX                 the compiler
"""

import itertools
import json
import os
import pathlib
import subprocess

import pytest

# The arrows as DESIGN draws them: each library and those that it stands on.
ARROWS = {
    "core": [],
    "sync": [],
    "registry": ["core", "sync"],
    "engine": ["registry"],
    "store": ["core"],
    "proto": [],
    "convert": ["core", "proto"],
    "yaml": ["core"],
    "options_proto": ["proto"],
    "address": ["core"],
    "options": ["address", "options_proto", "yaml"],
    "log": [],
    "record_proto": ["proto"],
    "files": ["core", "log", "sync"],
    "tls": ["core", "sync"],
    "identities_proto": [],
    "identity": ["identities_proto", "tls", "yaml"],
    "records": ["convert", "engine", "record_proto"],
    "control": ["records", "store", "sync"],
    "flusher": ["control", "log"],
    "health_proto": [],
    "errors": ["core", "proto"],
    "session": ["convert", "engine", "errors"],
    "rpc": ["control", "health_proto", "identity", "session"],
    "metrics": ["files", "flusher", "http", "session"],
    "http": ["address", "log", "tls"],
    "error_body_proto": [],
    "gateway": ["error_body_proto", "errors", "http"],
    "pages_proto": ["proto"],
    "pages": ["gateway", "pages_proto", "rpc", "yaml"],
    "process": [],
    "serving": [
        "address", "files", "identity", "log", "metrics", "options", "pages", "process", "tls"
    ],
    "client_api": [],
    "client_local": ["client_api", "core"],
    "client_link": ["client_local", "convert"],
    "client_pipeline": ["client_local", "proto"],
    "client_connection": ["client_link"],
    "client_unary": ["client_connection"],
    "client": ["client_pipeline", "client_unary"],
    "client_grpc": ["client"],
    "client_prometheus": ["client"],
    "cli_proto": ["proto"],
    "cli": ["cli_proto", "convert", "yaml"],
}
LIBRARIES = json.loads(pathlib.Path(os.environ["FUSEBOX_LIBRARIES"]).read_text())


def below(library):
    """All that a library may include."""
    return {name for arrow in ARROWS[library] for name in {arrow, *below(arrow)}}


AGAINST_THE_ARROWS = [
    (above, other)
    for above, other in itertools.permutations(ARROWS, 2)
    if other not in below(above)
]


def header(library):
    """The smallest header of a library, as others include it."""
    roots = [pathlib.Path(folder) for folder in LIBRARIES[library]["own"]]
    # Folders of links, into which rglob() does not follow.
    found = [
        (os.path.getsize(os.path.join(folder, name)), os.path.join(folder, name), root)
        for root in roots
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
        if name.endswith(".h")
    ]
    assert found, f"{library} has no header in {roots}; build it first"
    _, path, root = min(found)
    return os.path.relpath(path, root)


def compile_in(library, *headers):
    """Compiles a file that includes the headers, as one of the library's. Returns the errors.

    No further than the preprocessor, which is where an include fails: the rest costs minutes.
    """
    folders = [flag for folder in LIBRARIES[library]["sees"] for flag in ("-I", folder)]
    compiled = subprocess.run(
        [os.environ["CXX"], "-std=c++20", "-E", *folders, "-x", "c++", "-"],
        input="".join(f'#include "{name}"\n' for name in headers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (compiled.returncode == 0) == (not compiled.stderr), compiled.stderr
    return compiled.stderr


def test_every_library_is_in_the_picture():
    assert sorted(ARROWS) == sorted(LIBRARIES), "draw it into ARROWS, above"


@pytest.mark.parametrize("library", ARROWS)
def test_a_library_sees_all_that_it_stands_on(library):
    headers = [header(name) for name in sorted({library, *below(library)})]
    assert compile_in(library, *headers) == ""


@pytest.mark.parametrize(
    ("library", "other"), AGAINST_THE_ARROWS, ids=[f"{a}->{b}" for a, b in AGAINST_THE_ARROWS]
)
def test_an_include_against_the_arrows_does_not_compile(library, other):
    name = header(other)
    assert f"fatal error: {name}: No such file or directory" in compile_in(library, name)
