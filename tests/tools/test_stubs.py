"""The stubs of each language can be imported, and name the API's messages and services."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

STUBS = ROOT / "build" / "stubs"

PYTHON = """
import grpc
from fusebox.v1 import admin_pb2_grpc, breaker_pb2, breaker_service_pb2_grpc

with grpc.insecure_channel("localhost:1") as channel:
    breaker_service_pb2_grpc.BreakerServiceStub(channel).Allow
    admin_pb2_grpc.AdminServiceStub(channel).GetBreaker
print(breaker_pb2.AllowRequest(breaker="db/orders").breaker)
"""

NODE = """
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AdminService } from "@fusebox/stubs/fusebox/v1/admin_pb.js";
import { AllowRequestSchema } from "@fusebox/stubs/fusebox/v1/breaker_pb.js";
import { BreakerService } from "@fusebox/stubs/fusebox/v1/breaker_service_pb.js";

const transport = createGrpcTransport({ baseUrl: "http://localhost:1" });
const calls = [
  createClient(BreakerService, transport).allow, createClient(AdminService, transport).getBreaker,
];
if (!calls.every((call) => typeof call === "function")) throw new Error("a call is missing");
console.log(create(AllowRequestSchema, { breaker: "db/orders" }).breaker);
"""

GO = """package main

import (
	"fmt"

	pb "github.com/fusebox/fusebox/client/go/fuseboxv1"
)

func main() {
	_ = pb.NewBreakerServiceClient(nil)
	_ = pb.NewAdminServiceClient(nil)
	fmt.Println((&pb.AllowRequest{Breaker: "db/orders"}).GetBreaker())
}
"""
GO_MOD = f"""module example.com/caller

go 1.19

require github.com/fusebox/fusebox/client/go v0.0.0

replace github.com/fusebox/fusebox/client/go => {STUBS / "go"}
"""

JAVA = """
import dev.fusebox.v1.AdminServiceGrpc;
import dev.fusebox.v1.AllowRequest;
import dev.fusebox.v1.BreakerServiceGrpc;

class Caller {
  public static void main(String[] arguments) {
    BreakerServiceGrpc.getAllowMethod();
    AdminServiceGrpc.getGetBreakerMethod();
    System.out.println(AllowRequest.newBuilder().setBreaker("db/orders").build().getBreaker());
  }
}
"""
JAVA_CLASSPATH = ":".join(
    f"/usr/share/java/{jar}.jar"
    for jar in (
        "geronimo-annotation-1.3-spec",
        "grpc-api",
        "grpc-context",
        "grpc-protobuf",
        "grpc-protobuf-lite",
        "grpc-stub",
        "guava",
        "protobuf",
    )
)


@pytest.fixture(autouse=True, scope="module")
def stubs():
    subprocess.run([ROOT / ".ci" / "stubs"], check=True)


def output(command, folder, **env):
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_has_them_as_packages(tmp_path):
    path = {"PYTHONPATH": str(STUBS / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert output([sys.executable, "-c", PYTHON], tmp_path, **path) == "db/orders\n"


def test_node_has_them_beside_connect(tmp_path):
    (tmp_path / "node_modules").symlink_to(ROOT / ".tools" / "node" / "node_modules")
    (tmp_path / "caller.mjs").write_text(NODE)
    assert output(["node", "caller.mjs"], tmp_path) == "db/orders\n"


def test_go_has_them_as_a_module_to_replace(tmp_path):
    (tmp_path / "main.go").write_text(GO)
    (tmp_path / "go.mod").write_text(GO_MOD)
    shutil.copy(STUBS / "go" / "go.sum", tmp_path)
    env = {"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    assert output(["go", "run", "."], tmp_path, **env) == "db/orders\n"


def test_java_has_them_as_sources(tmp_path):
    (tmp_path / "Caller.java").write_text(JAVA)
    sources = ["Caller.java", *(STUBS / "java").rglob("*.java")]
    flags = ["--release", "17", "-proc:none", "-cp", JAVA_CLASSPATH, "-d", "."]
    output(["javac", *flags, *sources], tmp_path)
    java = ["java", "-cp", f"{JAVA_CLASSPATH}:{tmp_path}", "Caller"]
    assert output(java, tmp_path) == "db/orders\n"


def test_stubs_that_are_up_to_date_are_left_alone():
    before = (STUBS / "stamp").stat().st_mtime_ns
    assert output([ROOT / ".ci" / "stubs"], ROOT) == ""
    assert (STUBS / "stamp").stat().st_mtime_ns == before
