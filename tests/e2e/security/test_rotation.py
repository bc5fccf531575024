"""A certificate is replaced while the server serves."""

import threading

import pytest
from api import Api, seconds
from clients import secure_channel
from fusebox.v1 import breaker_pb2 as pb
from served import Served, der, shown_at
from timing import eventually


@pytest.fixture
def served(tmp_path, server_pair):
    return Served(tmp_path, server_pair)


@pytest.fixture
def server(start, served, tls_flags):
    return start(*tls_flags(pair=served.pair))


class Load:
    """Calls without end, each on one connection or on a new one each time."""

    def __init__(self, server, authority):
        self._ended = threading.Event()
        self.calls, self.failures = [0, 0], []
        self._connect = lambda: Api(
            server.address, channel=secure_channel(server.address, authority)
        )
        self._threads = [
            threading.Thread(target=self._run, args=(index,)) for index in range(len(self.calls))
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, index):
        always_new = index == 1
        api = self._connect()
        while not self._ended.is_set():
            if always_new:
                api.channel.close()
                api = self._connect()
            try:
                assert api.allow("rotation/load").decision == pb.DECISION_ALLOWED
            except Exception as error:  # Whatever it is, it is to be shown.
                self.failures.append(error)
            self.calls[index] += 1
        api.channel.close()

    def go_on(self):
        """Returns once a few more calls were made in either way."""
        before = list(self.calls)
        eventually(
            lambda: all(now > then + 5 for now, then in zip(self.calls, before, strict=True)),
            "calls",
        )


def test_no_call_fails_while_certificates_are_replaced(server, served, authority):
    with Load(server, authority) as load:
        load.go_on()
        for put in (served.rename, served.write, served.rename, served.write):
            new = authority.issue("server")
            served.replace(new, put)
            eventually(lambda new=new: shown_at(server.address) == der(new), "the new certificate")
            load.go_on()
    assert load.failures == []


# First the certificate, and the key when it comes: what a script does that copies two files.
def test_half_of_a_new_pair_changes_nothing(server, served, authority, server_pair):
    with Load(server, authority) as load:
        new = authority.issue("server")
        served.write(served.pair.certificate, new.certificate.read_bytes())
        eventually(lambda: "event=reload_failed" in "".join(server.log), "a line in the log")
        load.go_on()
        assert shown_at(server.address) == der(server_pair)
        served.write(served.pair.key, new.key.read_bytes())
        eventually(lambda: shown_at(server.address) == der(new), "the new certificate")
        load.go_on()
    assert load.failures == []
    assert "event=reloaded what=certificate" in "".join(server.log)


def metric(server, series):
    _, text = server.get("/metrics")
    (value,) = (line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(series))
    return float(value)


FAILING = 'fusebox_reload_failing{what="certificate"}'


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda served, authority: served.pair.certificate.write_text("?"), "holds no certificate"),
        (lambda served, authority: served.pair.key.write_text("?"), "holds no private key"),
        (lambda served, authority: served.pair.key.unlink(), "cannot be read"),
        (
            lambda served, authority: served.replace(authority.issue("s", days=-1), served.rename),
            "expired at",
        ),
        (
            lambda served, authority: served.rename(
                served.pair.certificate, served.pair.certificate.read_bytes()[:-100]
            ),
            "breaks off or is damaged",
        ),
    ],
    ids=["no-certificate", "no-key", "key-gone", "expired", "cut-short"],
)
def test_a_bad_certificate_keeps_the_old_one_and_says_so(
    spoil, said, server, served, authority, server_pair, tls_client, name
):
    api = tls_client(server)
    info = api.info()
    assert info.certificate_error == ""
    expires = seconds(info.certificate_expire_time)
    assert metric(server, "fusebox_certificate_not_after_seconds") == expires
    assert metric(server, FAILING) == 0

    spoil(served, authority)
    eventually(lambda: said in api.info().certificate_error, said)
    assert metric(server, FAILING) == 1
    assert metric(server, 'fusebox_reloads_total{what="certificate",result="refused"}') >= 1
    eventually(lambda: "event=reload_failed" in "".join(server.log), "a line in the log")
    (line,) = (line for line in server.log if said in line)
    assert "level=error event=reload_failed what=certificate" in line
    assert shown_at(server.address) == der(server_pair)
    assert tls_client(server).allow(name).decision == pb.DECISION_ALLOWED

    new = authority.issue("server", days=20)
    served.replace(new, served.rename)
    eventually(lambda: api.info().certificate_error == "", "it to be well again")
    assert metric(server, FAILING) == 0
    assert shown_at(server.address) == der(new)
    assert seconds(api.info().certificate_expire_time) > expires


# Who is believed changes with the file, for those who connect from then on.
def test_the_authority_of_clients_is_replaced_too(
    start, tls_flags, tls_client, authority, stranger, server_pair, name, tmp_path
):
    trusted = tmp_path / "clients.pem"
    trusted.write_bytes(authority.certificate.read_bytes())
    server = start(*tls_flags(), f"--tls-client-ca={trusted}")
    ours = authority.issue("ours", "URI:spiffe://prod/ours")
    theirs = stranger.issue("theirs", "URI:spiffe://prod/theirs")
    before = tls_client(server, ours)
    before.allow(name)

    Served.rename(trusted, stranger.certificate.read_bytes())
    eventually(lambda: "event=reloaded" in "".join(server.log), "the new authority")
    assert tls_client(server, theirs).allow(name).decision == pb.DECISION_ALLOWED
    with pytest.raises(Exception, match="UNAVAILABLE"):
        tls_client(server, ours).allow(name)
    assert before.allow(name).decision == pb.DECISION_ALLOWED
