"""Makes a program of each example, and runs it.

    FUSEBOX_README_FRAME   the program of the example in C++, which the build makes
"""

import os
import shutil
import subprocess
import sys
import threading

from others import GrpcUpstream, HttpUpstream
from server_process import environment
from snippets import ROOT, program
from timing import PATIENCE_S

STUBS = ROOT / "build" / "stubs"
GO = ROOT / "tests" / "e2e" / "go"
JARS = (
    "geronimo-annotation-1.3-spec grpc-api grpc-context grpc-core grpc-netty grpc-protobuf "
    "grpc-protobuf-lite grpc-stub guava netty-buffer netty-codec netty-codec-http "
    "netty-codec-http2 netty-common netty-handler netty-resolver netty-transport perfmark-api "
    "protobuf"
).split()


def make_python(folder):
    file = folder / "frame.py"
    file.write_text(program("python", "frame.py"))
    return [sys.executable, "-B", file]


def make_go(folder):
    (folder / "main.go").write_text(program("go", "frame.go"))
    module = (GO / "go.mod").read_text()
    (folder / "go.mod").write_text(module.replace("../../../build/stubs/go", str(STUBS / "go")))
    shutil.copy(GO / "go.sum", folder)
    build(["go", "vet", "."], folder)
    build(["go", "build", "-buildvcs=false", "-o", "frame", "."], folder)
    return [folder / "frame"]


def make_node(folder):
    (folder / "node_modules").symlink_to(ROOT / ".tools" / "node" / "node_modules")
    file = folder / "frame.mjs"
    file.write_text(program("js", "frame.mjs"))
    return ["node", file]


def make_cpp(_):
    return [os.environ["FUSEBOX_README_FRAME"]]


def make_java(folder):
    (folder / "Frame.java").write_text(program("java", "Frame.java"))
    jars = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
    flags = ["--release", "17", "-proc:none", "-cp", jars]
    build(["javac", *flags, "-sourcepath", STUBS / "java", "-d", ".", "Frame.java"], folder)
    return ["java", "-cp", f"{jars}:{folder}", "Frame"]


MAKERS = {
    "python": make_python,
    "go": make_go,
    "node": make_node,
    "cpp": make_cpp,
    "java": make_java,
}


def build(command, folder):
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Program:
    """The program of one language; `upstream` is what it calls."""

    def __init__(self, language, folder):
        self.upstream = GrpcUpstream if language == "cpp" else HttpUpstream
        self.calls_record = language != "cpp"
        self._command = MAKERS[language](folder)

    def run(self, fusebox_address, upstream_address, deadline_ms):
        target = self.upstream.target(upstream_address)
        return Running([*self._command, fusebox_address, target, str(deadline_ms)])


class Running:
    """A program while it runs; it is killed when it takes too long, which ends all waiting."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command,
            env=environment(no_proxy="127.0.0.1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._impatience = threading.Timer(PATIENCE_S, self.process.kill)

    def __enter__(self):
        self._impatience.start()
        return self

    def __exit__(self, *_):
        self._impatience.cancel()
        self.process.kill()
        self.process.communicate()

    def until_done(self):
        """Waits until the example has run to its end; what it left behind goes on."""
        line = self.process.stdout.readline()
        assert line == "done\n", f'"{line}" and then {self.process.communicate()}'

    def end(self):
        """Lets it end, and looks whether that went well."""
        _, stderr = self.process.communicate()
        assert self.process.returncode == 0, f"exit code {self.process.returncode}: {stderr}"
