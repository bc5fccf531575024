"""What the tests of fuseboxctl start from.

Every test takes a breaker name of its own, so that their order and what else the server holds do
not matter.
"""

import socket
import threading
import uuid
from concurrent import futures

import grpc
import pytest
from cli_driver import PATIENCE_S, Cli
from fusebox.v1 import admin_pb2_grpc


@pytest.fixture
def cli(server):
    return Cli(server.address)


@pytest.fixture
def cli_of():
    """fuseboxctl with a server that the test started."""
    return lambda process: Cli(process.address)


@pytest.fixture
def stand_in():
    """fuseboxctl with a server that answers as a test says, as no real one would.

    stand_in(GetBreaker=lambda request, context: admin_pb2.GetBreakerResponse())
    """
    servers = []

    def start(**answers):
        methods = {
            method: lambda self, request, context, answer=answer: answer(request, context)
            for method, answer in answers.items()
        }
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        servers.append(server)
        servicer = type("Servicer", (admin_pb2_grpc.AdminServiceServicer,), methods)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(servicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return Cli(f"127.0.0.1:{port}")

    yield start
    for server in servers:
        server.stop(grace=None).wait()


@pytest.fixture
def word():
    """A name for a policy or a budget that nobody else uses."""
    return f"t-{uuid.uuid4().hex}"


@pytest.fixture
def write(tmp_path):
    """Writes a file and returns its path."""

    def write_one(text):
        path = tmp_path / f"{uuid.uuid4().hex}.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_one


@pytest.fixture
def name():
    return f"cli/{uuid.uuid4().hex}"


@pytest.fixture
def closed_port():
    """A port on which nobody listens: bound, so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def mute_port():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def stuck_port():
    """A port that speaks HTTP/2, so that a connection comes to stand, and never answers a call."""
    empty_settings_frame = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])

    def greet_and_hold():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(empty_settings_frame)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        thread = threading.Thread(target=greet_and_hold)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
