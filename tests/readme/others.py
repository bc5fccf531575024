"""Whom an example talks to besides a real Fusebox: upstreams, and a Fusebox that hangs."""

import concurrent.futures
import contextlib
import http.server
import queue
import socket
import threading

import grpc
from fusebox.v1 import breaker_pb2 as pb


@contextlib.contextmanager
def closed_address():
    """An address at which nobody listens: bound, so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


class Calls:
    """How many calls an upstream has taken."""

    count = 0


class HttpUpstream:
    """What the examples call over HTTP."""

    @staticmethod
    def target(address):
        return f"http://{address}/checkout"

    @staticmethod
    @contextlib.contextmanager
    def serving(fails=False):
        """Answers 200 or 503 at the address that this yields, with its Calls."""
        calls = Calls()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                calls.count += 1
                self.send_response(503 if fails else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"127.0.0.1:{server.server_port}", calls
            finally:
                server.shutdown()
                thread.join()


class GrpcUpstream:
    """What the example in C++ calls: the ShopService of shop.proto."""

    @staticmethod
    def target(address):
        return address

    @staticmethod
    @contextlib.contextmanager
    def serving(fails=False):
        """Answers OK or UNAVAILABLE at the address that this yields, with its Calls."""
        calls = Calls()

        def checkout(_, context):
            calls.count += 1
            if fails:
                context.abort(grpc.StatusCode.UNAVAILABLE, "sold out of servers")
            return b""

        with grpc_server("shop.v1.ShopService", Checkout=checkout) as address:
            yield address, calls


@contextlib.contextmanager
def hanging_fusebox(allows):
    """A Fusebox that answers nothing but, if it `allows`, questions.

    Yields its address and a queue of the calls that wait for an answer.
    """
    end = threading.Event()
    waiting = queue.SimpleQueue()

    def hang(_, context):
        waiting.put(context)
        end.wait()
        return b""

    def allow(*_):
        return pb.AllowResponse(decision=pb.DECISION_ALLOWED).SerializeToString()

    methods = {"Allow": allow if allows else hang, "Record": hang}
    with grpc_server("fusebox.v1.BreakerService", **methods) as address:
        try:
            yield address, waiting
        finally:
            end.set()


@contextlib.contextmanager
def grpc_server(service, **methods):
    """Serves methods from bytes to bytes, at the address that this yields."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()
