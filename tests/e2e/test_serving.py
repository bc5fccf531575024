"""Where a server serves: ports, sockets, and what it says when it cannot."""

import json
import pathlib
import resource
import signal
import tempfile

import pytest
from fusebox.v1 import breaker_pb2 as pb
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from server_process import FREE_PORT, ServerProcess, run
from timing import eventually

CANNOT_SERVE = 1


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def test_port_0_takes_a_free_port_and_says_which(start, connect, name):
    first, second = start(), start()
    ports = [port_of(a) for s in (first, second) for a in (s.address, s.http)]
    assert len(set(ports)) == 4 and all(ports), ports
    for process in (first, second):
        assert connect(process).allow(name).decision == pb.DECISION_ALLOWED
        assert process.get("/healthz") == (200, "ok\n")


def test_a_unix_socket_and_a_port_are_two_ways_to_the_same_breakers(start, connect, name, socket):
    process = start(listen=(FREE_PORT, socket))
    assert process.addresses[1] == socket
    by_socket = connect(socket)
    by_socket.call(name, pb.OUTCOME_FAILURE)
    assert connect(process).get(name).totals.failures == 1
    by_socket.channel.close()


@pytest.fixture
def socket():
    """The address of a socket that is not there yet."""
    # Not tmp_path: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory() as folder:
        yield f"unix:{folder}/fusebox.sock"


def test_a_unix_socket_in_use_is_not_taken_away(start, connect, name, socket):
    start(listen=(FREE_PORT, socket))
    ended = run(f"--listen={socket}", f"--http-listen={FREE_PORT}")
    assert ended.returncode == CANNOT_SERVE
    assert f"cannot listen on {socket}: the address is in use" in ended.stderr
    by_socket = connect(socket)
    assert by_socket.allow(name).decision == pb.DECISION_ALLOWED
    by_socket.channel.close()


def test_a_unix_socket_that_a_dead_server_left_is_no_obstacle(start, connect, name, socket):
    with pytest.raises(AssertionError, match="ended with -9"), ServerProcess(
        listen=(FREE_PORT, socket)
    ) as first:
        first.signal(signal.SIGKILL)
    assert pathlib.Path(socket.removeprefix("unix:")).is_socket()
    start(listen=(FREE_PORT, socket))
    by_socket = connect(socket)
    assert by_socket.allow(name).decision == pb.DECISION_ALLOWED
    by_socket.channel.close()


def test_it_may_hold_as_many_connections_as_the_system_permits(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        process = start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_logs_every_transition_of_a_burst(start, connect):
    process = start()
    breakers = [f"burst/{i}" for i in range(300)]
    connect(process).batch(
        *({"breaker": b, "outcome": pb.OUTCOME_FAILURE, "count": 5} for b in breakers)
    )
    eventually(lambda: sum("event=transition" in line for line in process.log) == 300, "300 lines")
    assert not [line for line in process.log if "lost" in line or "not_logged" in line]
    (line,) = (line for line in process.log if "breaker=burst/7 " in line)
    assert "level=warning event=transition breaker=burst/7 from=CLOSED to=OPEN" in line
    assert "cause=CONSECUTIVE_FAILURES" in line and "calls=5 failures=5" in line


def test_logs_json_with_the_trace_of_the_call_that_tripped_it(start):
    process = start("--log-format=JSON")
    failed = json.dumps({"breaker": "db/orders", "outcome": "OUTCOME_FAILURE"})
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    header = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    for _ in range(5):
        assert process.post("/fusebox.v1.BreakerService/Record", failed, header)[0] == 200
    eventually(lambda: len(process.log) > 1, "a line")
    greeting, tripped = (json.loads(line) for line in process.log)
    assert (greeting["level"], greeting["event"]) == ("info", "serving")
    assert (tripped["level"], tripped["event"]) == ("warning", "transition")
    assert tripped["breaker"] == "db/orders" and tripped["failures"] == 5
    assert tripped["trace_id"] == trace


def test_http_can_be_off(start, connect, name):
    process = start(http_listen="")
    assert process.http == "off"
    assert connect(process).allow(name).decision == pb.DECISION_ALLOWED


def test_a_grpc_address_in_use_is_named_with_its_flag_and_ends_it(server):
    ended = run(f"--listen={server.address}", f"--http-listen={FREE_PORT}")
    assert ended.returncode == CANNOT_SERVE
    assert f"cannot listen on {server.address}: the address is in use" in ended.stderr
    assert "--listen" in ended.stderr


def test_an_http_address_in_use_is_named_with_its_flag_and_ends_it(server):
    ended = run(f"--listen={FREE_PORT}", f"--http-listen={server.http}")
    assert ended.returncode == CANNOT_SERVE
    assert f'--http-listen is "{server.http}": ' in ended.stderr
    assert "choose another address, or port 0" in ended.stderr


def test_one_of_several_addresses_in_use_is_enough_to_end_it(server):
    ended = run(
        f"--listen={FREE_PORT}", f"--listen={server.address}", f"--http-listen={FREE_PORT}"
    )
    assert ended.returncode == CANNOT_SERVE
    assert f"cannot listen on {server.address}" in ended.stderr


def test_reflection_lists_the_services_and_describes_them(api):
    database = ProtoReflectionDescriptorDatabase(api.channel)
    assert set(database.get_services()) >= {
        "fusebox.v1.BreakerService",
        "fusebox.v1.AdminService",
        "grpc.health.v1.Health",
    }
    file = database.FindFileContainingSymbol("fusebox.v1.BreakerService")
    methods = {method.name for service in file.service for method in service.method}
    assert methods == {"Allow", "Record", "BatchRecord", "Session"}


def test_says_which_server_it_is(start, connect, name):
    api = connect(start("--max-breakers=7"))
    api.allow(name)
    info = api.info()
    assert (info.breakers, info.max_breakers, info.store) == (1, 7, "sqlite")
    assert info.version.count(".") == 2
    assert not info.draining


def test_a_later_start_has_a_greater_life_and_greater_epochs(start, connect, name):
    apis = [connect(start()), connect(start())]
    lives = [api.info().life for api in apis]
    epochs = [api.allow(name).epoch for api in apis]
    assert lives[0] < lives[1]
    assert epochs[0] < epochs[1]


# Its permit is of another epoch, and so late: a restart must not make callers fail.
def test_a_permit_of_an_earlier_life_is_late(start, connect, name):
    permit = connect(start()).allow(name)
    later = connect(start())
    assert later.record(name, permit, pb.OUTCOME_FAILURE).counted == pb.COUNTED_LATE
