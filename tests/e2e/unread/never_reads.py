"""Opens sessions, each on a connection of its own and with the same subscriptions, and says "ready" once it
has heard of them all. Then it never reads again, nor does anything else: it is to be stopped.

    never_reads.py TARGET SESSIONS BREAKER...
"""

import os
import queue
import signal
import sys

import grpc
from fusebox.v1 import breaker_service_pb2, breaker_service_pb2_grpc


def open_session(target, breakers):
    channel = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
    said = queue.SimpleQueue()
    stub = breaker_service_pb2_grpc.BreakerServiceStub(channel)
    stream = stub.Session(iter(said.get, None))
    said.put(breaker_service_pb2.SessionRequest(hello={"session_id": os.urandom(16)}))
    next(stream)
    subscriptions = [{"handle": i + 1, "breaker": name} for i, name in enumerate(breakers)]
    said.put(breaker_service_pb2.SessionRequest(subscribe=subscriptions))
    heard = set()
    while len(heard) < len(breakers):
        heard |= {state.handle for state in next(stream).states}
    return channel, stream, said


def main():
    target, count, *breakers = sys.argv[1:]
    sessions = [open_session(target, breakers) for _ in range(int(count))]
    print("ready", flush=True)
    signal.pause()
    del sessions


if __name__ == "__main__":
    main()
