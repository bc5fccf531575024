"""What a server keeps over its end, and what becomes of it when its disk is not as it should be."""

import contextlib
import os
import shutil
import subprocess

import grpc
import pytest
from api import FAILURE, Error, error_of
from fusebox.v1 import admin_pb2, breaker_pb2, policy_pb2
from server_process import run
from timing import PATIENCE_S, eventually

OPEN = breaker_pb2.STATE_OPEN


def create_policy(api, name):
    policy = policy_pb2.Policy(name=name, match=[f"{name}/*"])
    request = admin_pb2.CreatePolicyRequest(policy=policy, actor="ada")
    return api.admin.CreatePolicy(request, timeout=PATIENCE_S)


def policies(api):
    answer = api.admin.ListPolicies(admin_pb2.ListPoliciesRequest(), timeout=PATIENCE_S)
    return {policy.name for policy in answer.policies}


def trip(api, name):
    for _ in range(5):
        answer = api.record(name, outcome=FAILURE)
    assert answer.state == OPEN


@pytest.fixture
def data(tmp_path):
    return f"--data-dir={tmp_path / 'data'}"


def test_a_server_that_stops_keeps_everything(start, connect, data):
    first = start(data)
    api = connect(first)
    create_policy(api, "database")
    trip(api, "database/orders")
    request = admin_pb2.OverrideBreakerRequest(
        match="search/*", mode=breaker_pb2.OVERRIDE_MODE_FORCED_OPEN, reason="maintenance"
    )
    api.admin.OverrideBreaker(request, timeout=PATIENCE_S)
    epoch = api.get("database/orders").epoch
    api.channel.close()
    assert first.stop() == 0

    api = connect(start(data))
    assert policies(api) == {"database", "default"}
    breaker = api.get("database/orders")
    assert breaker.state == OPEN and breaker.epoch > epoch
    assert breaker.policy == "database" and breaker.policy_match == "database/*"
    assert api.allow("search/docs").reason == breaker_pb2.REASON_FORCED_OPEN
    history = api.admin.ListTransitions(admin_pb2.ListTransitionsRequest(), timeout=PATIENCE_S)
    assert [t.breaker for t in history.transitions] == ["search/*", "database/orders"]
    assert api.info().store == "sqlite" and not api.info().not_durable


def test_memory_keeps_nothing(start, connect):
    first = start("--store=MEMORY")
    api = connect(first)
    create_policy(api, "database")
    assert api.info().store == "memory"
    api.channel.close()
    first.stop()
    assert policies(connect(start("--store=MEMORY"))) == {"default"}


def test_two_servers_do_not_share_a_directory(start, data):
    start(data)
    ended = run(data, "--listen=127.0.0.1:0", "--http-listen=")
    assert ended.returncode == 1
    assert "another server" in ended.stderr and "--data-dir" in ended.stderr


def test_nothing_is_acknowledged_into_a_directory_that_is_gone(start, connect, tmp_path):
    folder = tmp_path / "data"
    server = start(f"--data-dir={folder}")
    api = connect(server)
    create_policy(api, "before")
    backup = shutil.copytree(folder, tmp_path / "backup")
    create_policy(api, "after")
    shutil.rmtree(folder)
    backup.rename(folder)  # As who restores, and forgets to stop the server.
    error = error_of(lambda: create_policy(api, "lost"))
    assert error.code == grpc.StatusCode.UNAVAILABLE
    eventually(lambda: not api.info().not_durable, "durable again")
    assert [line for line in server.log if "event=not_durable" in line and "stop the server" in line]
    create_policy(api, "last")
    api.channel.close()
    server.stop()
    again = connect(start(f"--data-dir={folder}"))
    assert policies(again) == {"default", "before", "after", "last"}
    assert list(folder.glob("*.bad")), "the backup is set aside"


def test_a_corrupt_file_is_in_the_metrics(start, tmp_path):
    folder = tmp_path / "data"
    server = start(f"--data-dir={folder}")
    assert "fusebox_store_corruptions_total 0\n" in server.get("/metrics")[1]
    server.stop()
    [file] = folder.glob("*.db")
    file.write_bytes(b"x" * 8192 + file.read_bytes()[8192:])
    server = start(f"--data-dir={folder}")
    assert "fusebox_store_corruptions_total 1\n" in server.get("/metrics")[1]


def test_a_parent_that_is_missing_is_served_without_a_store(start, connect, tmp_path):
    server = start(f"--data-dir={tmp_path / 'no' / 'such'}")
    api = connect(server)
    assert api.allow("db/orders").decision == breaker_pb2.DECISION_ALLOWED
    error = error_of(lambda: create_policy(api, "database"))
    assert error.code == grpc.StatusCode.UNAVAILABLE and error.reason == "NOT_DURABLE"
    assert "--data-dir" in error.message
    assert "fusebox_store_durable 0" in server.get("/metrics")[1]
    status, page = server.get("/readyz")
    assert status == 200 and "not durable" in page
    assert api.info().not_durable
    (tmp_path / "no").mkdir()
    eventually(lambda: not api.info().not_durable, "durable again")
    create_policy(api, "database")


@contextlib.contextmanager
def mounted(folder, options):
    """A small disk of its own; skips the test where nobody may mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk_refuses_operators_and_nobody_else_and_heals(start, connect, tmp_path):
    with mounted(tmp_path / "disk", "size=1m") as disk:
        server = start(f"--data-dir={disk / 'data'}")
        api = connect(server)
        create_policy(api, "before")
        with open(disk / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1024))
        refused = eventually(lambda: _refusal(api), "no more room")
        assert refused.reason in ("STORE_FAILED", "NOT_DURABLE")
        assert "full" in api.info().not_durable
        trip(api, "db/orders")
        (disk / "filler").unlink()
        eventually(lambda: not api.info().not_durable, "durable again")
        create_policy(api, "after")
        api.channel.close()
        server.stop()
        api = connect(start(f"--data-dir={disk / 'data'}"))
        assert {"before", "after"} <= policies(api)
        assert api.get("db/orders").state == OPEN
        api.channel.close()


def _refusal(api):
    """Changes things until the disk has no more room for it."""
    name = f"filler-{len(policies(api))}"
    try:
        create_policy(api, name)
    except grpc.RpcError as error:
        return Error(error)
    return None


def test_a_read_only_disk_refuses_operators_and_is_read_once_it_is_not(start, connect, tmp_path):
    with mounted(tmp_path / "disk", "size=1m") as disk:
        first = start(f"--data-dir={disk / 'data'}")
        api = connect(first)
        create_policy(api, "before")
        api.channel.close()
        first.stop()
        remount(disk, "ro")
        api = connect(start(f"--data-dir={disk / 'data'}"))
        error = error_of(lambda: create_policy(api, "during"))
        assert error.code == grpc.StatusCode.UNAVAILABLE and error.reason == "NOT_DURABLE"
        assert api.allow("db/orders").decision == breaker_pb2.DECISION_ALLOWED
        remount(disk, "rw")
        eventually(lambda: not api.info().not_durable, "durable again")
        assert policies(api) == {"before", "default"}
        create_policy(api, "after")
        api.channel.close()
