"""The file of identities: what it may say, and that it can be changed while the server serves."""

import textwrap

import grpc
import pytest
from api import Error, error_of
from clients import bearer, sha256
from fusebox.v1 import breaker_pb2 as pb
from server_process import FREE_PORT, run
from session_client import Session
from timing import eventually

BAD_USAGE = 2
SEE_LOG = "see the server's log"
FAILING = 'fusebox_reload_failing{what="identities"} '


@pytest.fixture
def identities(tmp_path):
    """The file; a function that writes it, with TOKEN(x) for the SHA-256 of x."""

    class File:
        path = tmp_path / "identities.yaml"

        def write(self, text):
            text = textwrap.dedent(text)
            for token in ("one", "two", "three"):
                text = text.replace(f"TOKEN({token})", f'"{sha256(token)}"')
            self.path.write_text(text)

    return File()


ONE = """
identities:
- name: one
  token_sha256: [TOKEN(one)]
  grants: [{role: OPERATOR, match: ["ours/**"]}]
"""
ONE_AND_TWO = (
    ONE
    + """
- name: two
  token_sha256: [TOKEN(two), TOKEN(three)]
  grants:
  - {role: READER, match: ["**"]}
"""
)


@pytest.fixture
def server(start, identities):
    identities.write(ONE)
    return start(f"--identities={identities.path}")


@pytest.fixture
def client_of(plain_client, server):
    return lambda token: plain_client(server.address, bearer(token))


def test_a_new_identity_may_call_without_a_restart(server, identities, client_of):
    one, two, three = client_of("one"), client_of("two"), client_of("three")
    assert error_of(two.info).reason == "TOKEN_UNKNOWN"
    identities.write(ONE_AND_TWO)
    eventually(lambda: "event=reloaded what=identities" in "".join(server.log), "the new file")
    for client in (one, two, three):
        assert client.info().identities_error == ""


def test_a_token_that_is_taken_away_is_nobody_s_at_once(server, identities, client_of):
    identities.write(ONE_AND_TWO)
    two, three = client_of("two"), client_of("three")
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    two.info()
    identities.write(ONE_AND_TWO.replace("TOKEN(two), ", ""))
    eventually(lambda: "".join(server.log).count("event=reloaded") == 2, "the new file")
    assert error_of(two.info).reason == "TOKEN_UNKNOWN"
    three.info()


def test_a_bad_file_keeps_the_identities_and_says_so(server, identities, client_of):
    identities.write(ONE_AND_TWO)
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    one, two = client_of("one"), client_of("two")
    identities.write(ONE_AND_TWO.replace("OPERATOR", "OPERATER"))
    eventually(lambda: two.info().identities_error, "an error")
    assert one.info().identities_error == SEE_LOG  # They may not read everything.
    error = two.info().identities_error
    assert error.startswith(f"{identities.path}:5: identities[0].grants[0].role is")
    eventually(lambda: "event=reload_failed what=identities" in "".join(server.log), "a line")
    assert f"{FAILING}1" in server.get("/metrics")[1]
    identities.path.unlink()
    eventually(lambda: "cannot be read" in two.info().identities_error, "another error")
    identities.write(ONE_AND_TWO)
    eventually(lambda: not one.info().identities_error, "no error")
    assert f"{FAILING}0" in server.get("/metrics")[1]


# Every part of this file is a file by itself, and takes something away from who is in it.
def test_a_file_that_is_written_slowly_changes_nothing_until_it_is_whole(
    server, identities, client_of
):
    identities.write(ONE_AND_TWO)
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    two = client_of("two")
    lines = (identities.path.read_text() + "# end\n" * 30).splitlines(keepends=True)
    for _ in range(50):  # So often that the server looks in the middle, several times.
        with identities.path.open("w") as file:
            for line in lines:
                file.write(line)
                file.flush()
                two.info()
    changed = ONE_AND_TWO.replace('READER, match: ["**"]', 'READER, match: ["theirs/**"]')
    identities.write(changed)

    def refused():
        return error_of(lambda: two.get("ours/a")).reason == "PERMISSION_DENIED"

    eventually(refused, "the whole file")
    assert "event=reload_failed" not in "".join(server.log)


# What a full disk or a script that fails leaves behind.
@pytest.mark.parametrize("text", ["", "\n", "identities:\n"])
def test_a_file_that_says_nothing_takes_nothing_away(text, server, identities, client_of):
    one = client_of("one")
    identities.path.write_text(text)
    eventually(lambda: "event=reload_failed what=identities" in "".join(server.log), "a line")
    one.allow("ours/a")
    identities.write("identities: []")
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    assert error_of(lambda: one.allow("ours/a")).reason == "TOKEN_UNKNOWN"


def test_a_watch_shows_what_its_caller_may_read(identities, server, client_of):
    identities.write(
        ONE
        + """
- name: two
  token_sha256: [TOKEN(two)]
  grants: [{role: CALLER, match: ["**"]}, {role: READER, match: ["theirs/*"]}]
"""
    )
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    two = client_of("two")
    two.call("ours/a", pb.OUTCOME_SUCCESS)
    two.call("theirs/a", pb.OUTCOME_SUCCESS)
    with two.watch() as watch:
        assert [breaker.name for breaker in watch.snapshot] == ["theirs/a"]
        for name in ("ours/b", "theirs/b"):
            for _ in range(5):
                two.record(name, outcome=pb.OUTCOME_FAILURE)
        assert watch.until(pb.STATE_OPEN).name == "theirs/b"


def test_a_watch_ends_when_its_caller_s_grants_change(server, identities, client_of):
    one = client_of("one")
    with one.watch() as watch:
        identities.write(ONE.replace("ours/**", "ours/*"))
        error = watch.end()
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "GRANTS_CHANGED")
    with one.watch():
        pass


def test_a_session_ends_when_its_caller_s_grants_change(server, identities, client_of):
    with Session(client_of("one")) as session:
        session.subscribe(1, "ours/a")
        session.until_state(1, pb.STATE_CLOSED)
        identities.write(ONE.replace("ours/**", "ours/*"))
        error = session.end()
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "GRANTS_CHANGED")


def test_a_session_is_one_caller_s(server, identities, client_of):
    identities.write(ONE + ONE.replace("identities:\n", "").replace("one", "two"))
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
    with Session(client_of("one")) as session:
        error = error_of(lambda: Session(client_of("two"), session.id))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "SESSION_ID_IN_USE")


def test_a_watch_goes_on_when_others_grants_change(server, identities, client_of):
    one = client_of("one")
    with one.watch() as watch:
        identities.write(ONE_AND_TWO)
        eventually(lambda: "event=reloaded" in "".join(server.log), "the new file")
        for _ in range(5):
            one.record("ours/c", outcome=pb.OUTCOME_FAILURE)
        assert watch.until(pb.STATE_OPEN).name == "ours/c"


# Fifty instances of one service share its identity; a quorum still tells them apart.
def test_who_failed_is_named_by_identity_and_client(server, client_of):
    one = client_of("one")
    for client, shown in (("", "one@127.0.0.1"), ("web-7", "one@web-7")):
        one.client = client
        one.record("ours/d", outcome=pb.OUTCOME_FAILURE)
        assert list(one.get("ours/d").failing_clients) == [shown]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("identities:\n- nam: ci\n", ":2: identities[0].nam"),
        (
            "identities:\n- name: ci\n  grants: [{role: READER, match: [a]}]\n",
            ":2: identities[0] has neither token_sha256 nor san",
        ),
        (
            "identities:\n- name: ci\n  token_sha256: [s3cret]\n"
            "  grants: [{role: READER, match: [a]}]\n",
            ":3: identities[0].token_sha256[0] is not the SHA-256 of a token",
        ),
        (
            "identities:\n- name: ci\n  san: [ci]\n  grants: [{role: READER, match: []}]\n",
            ":4: identities[0].grants[0] has no match; ",
        ),
        ("", " is empty; "),
        ("identities:\n", ":1: identities has no value; "),
        (
            "identities:\n- name: ci\n  san: [ci]\n  grants:\n  - role: READER\n"
            "    match: [a, b**]\n",
            ':6: identities[0].grants[0].match[1] is "b**"; ',
        ),
    ],
)
def test_a_server_does_not_start_with_a_bad_file(text, said, tmp_path):
    path = tmp_path / "identities.yaml"
    path.write_text(text)
    ended = run(f"--listen={FREE_PORT}", f"--identities={path}")
    assert ended.returncode == BAD_USAGE
    assert f"{path}{said}" in ended.stderr
    assert "s3cret" not in ended.stderr


# With mutual TLS and no identities, a certificate says who somebody is.
def test_without_identities_a_certificate_names_its_bearer(
    start, tls_flags, tls_client, authority, name
):
    server = start(*tls_flags(mutual=True))
    pair = authority.issue("payments", "DNS:payments.prod,URI:spiffe://prod/payments")
    client = tls_client(server, pair)
    client.record(name, outcome=pb.OUTCOME_FAILURE)
    assert list(client.get(name).failing_clients) == ["spiffe://prod/payments@127.0.0.1"]


CONFIG = "policies: [{name: secret-policy, match: [secret/*], circuit_breaker: {max_probes: 2}}]\n"


# Their policies, the paths of their files, how much of everything they have.
def test_what_is_wrong_with_the_server_says_nothing_of_others(
    start, plain_client, identities, tmp_path
):
    config = tmp_path / "fusebox.yaml"
    config.write_text(CONFIG)
    identities.write(ONE_AND_TWO)
    server = start(f"--identities={identities.path}", f"--config={config}")
    one, two = (plain_client(server.address, bearer(token)) for token in ("one", "two"))
    one.allow("ours/a")
    config.write_text(CONFIG.replace("max_probes: 2", "max_probes: 5000"))
    identities.write(ONE_AND_TWO.replace("READER", "SECRETARY"))
    eventually(lambda: two.info().config_error and two.info().identities_error, "both errors")
    everything, part = two.info(), one.info()
    assert "max_probes" in everything.config_error
    assert "SECRETARY" in everything.identities_error
    assert everything.breakers == 1 and everything.policies == 2
    assert part.config_error == part.identities_error == SEE_LOG
    assert part.breakers == part.policies == part.watchers == 0
    assert "secret" not in str(part).lower() and str(tmp_path) not in str(part)


def test_an_error_to_a_client_says_nothing_of_others(server, client_of):
    with pytest.raises(grpc.RpcError) as raised:
        client_of("one").get("others/a")
    assert Error(raised.value).reason == "PERMISSION_DENIED"
    assert "ours" not in Error(raised.value).message
