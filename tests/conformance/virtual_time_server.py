"""Starts servers whose time stands still until they are told to move it, and talks to them."""

import os
import subprocess
import sys

import grpc
import grpc_tools
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

BINARY = "FUSEBOX_VIRTUAL_TIME_SERVER"
DEADLINE = 30  # Seconds after which a server that does not answer is taken for stuck.


def generate_control_stubs(root, out):
    """Makes `testing.control_pb2` importable, from tests/testing/control.proto."""
    google = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    includes = [root / "tests", root / "proto", root / ".tools" / "googleapis", google]
    arguments = [f"-I{folder}" for folder in includes]
    outputs = [f"--python_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(["protoc", *arguments, *outputs, "testing/control.proto"]) != 0:
        pytest.fail("tests/testing/control.proto does not compile; protoc said why on stderr")
    sys.path.insert(0, str(out))


class Server:
    """One server process, for one scenario, with the server's own flags.

    with Server("--max-breakers=3") as server:
        server.call("BreakerService", "Allow", {"breaker": "db/orders"})
        server.address       "127.0.0.1:40123"
    """

    def __init__(self, *flags):
        self._flags = flags

    def __enter__(self):
        binary = os.environ.get(BINARY)
        if not binary:
            pytest.fail(f"{BINARY} is not set; set it to the path of the built server")
        self._process = subprocess.Popen([binary, *self._flags], stdout=subprocess.PIPE, text=True)
        words = self._process.stdout.readline().split()
        if len(words) != 2 or words[0] != "listening":
            self._stop()
            pytest.fail(f'{binary} printed {words}; its first line is "listening 127.0.0.1:PORT"')
        self.address = words[1]
        self._channel = grpc.insecure_channel(self.address)
        return self

    def __exit__(self, *_):
        self._channel.close()
        self._stop()

    def call(self, service, method, fields, **raw):
        """Calls a method with fields in protobuf's JSON and `raw` ones as they are.

        Returns the response message.
        """
        stub, request = _stub_and_request(service, method)
        json_format.ParseDict(fields, request)
        for name, value in raw.items():
            setattr(request, name, value)
        return getattr(stub(self._channel), method)(
            request, timeout=DEADLINE, wait_for_ready=True
        )

    def _stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def as_json(message):
    """Returns a message as a dict by the names of its schema, with scalars that are default."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def error_of(failure):
    """Returns the code, message and reason that an RpcError carries."""
    found = {"code": failure.code().name, "message": failure.details(), "reason": ""}
    status = rpc_status.from_call(failure)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            found["reason"] = info.reason
    return found


def _stub_and_request(service, method):
    if service == "TestControl":
        from testing import control_pb2 as messages
        from testing import control_pb2_grpc as stubs
    elif service == "AdminService":
        from fusebox.v1 import admin_pb2 as messages
        from fusebox.v1 import admin_pb2_grpc as stubs
    else:
        from fusebox.v1 import breaker_pb2 as messages
        from fusebox.v1 import breaker_service_pb2_grpc as stubs
    return getattr(stubs, service + "Stub"), getattr(messages, method + "Request")()
