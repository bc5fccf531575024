"""How fuseboxctl shows who it is, and checks whom it talks to.

The server here is a small one that says what it was sent: TLS is the same to fuseboxctl whoever
speaks it.
"""

import subprocess
from concurrent import futures

import grpc
import pytest
from cli_driver import UNAVAILABLE, USAGE, run
from fusebox.v1 import admin_pb2, admin_pb2_grpc

HOST = "fusebox.test"


class Echo(admin_pb2_grpc.AdminServiceServicer):
    """Answers GetServerInfo with the token that came, as the version."""

    def GetServerInfo(self, request, context):
        sent = dict(context.invocation_metadata())
        return admin_pb2.GetServerInfoResponse(version=sent.get("authorization", "nobody"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A folder with ca.pem, and a certificate and a key that it signed for HOST and loopback."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl(*new_key, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*new_key, "-subj", f"/CN={HOST}", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text(f"subjectAltName=DNS:{HOST},IP:127.0.0.1\n", encoding="utf-8")
    openssl("x509", "-req", "-in", "request.pem", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", "names", "-out", "cert.pem")
    return folder


@pytest.fixture
def serve(certificates):
    """Starts echoing servers: with TLS, or with mutual TLS, or without."""
    servers = []

    def start(tls=True, mutual=False):
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        servers.append(server)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(Echo(), server)
        if tls:
            pair = [((certificates / name).read_bytes()) for name in ("key.pem", "cert.pem")]
            root = (certificates / "ca.pem").read_bytes() if mutual else None
            credentials = grpc.ssl_server_credentials([tuple(pair)], root, mutual)
            port = server.add_secure_port("127.0.0.1:0", credentials)
        else:
            port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(grace=None).wait()


@pytest.fixture
def trust(certificates):
    return ("--tls", "--tls-ca", str(certificates / "ca.pem"))


def version(address, *flags, **env):
    return run("version", "--server", address, *flags, **env)


def test_tls_with_a_trusted_certificate_works(serve, trust):
    assert "server  nobody" in version(serve(), *trust).stdout


def test_a_certificate_that_is_not_trusted_is_refused(serve):
    result = version(serve(), "--tls")
    assert result.returncode == UNAVAILABLE
    assert result.stderr.startswith("fuseboxctl: no server answers at ")
    for remedy in ("--tls-ca", "--tls-server-name", "--tls-client-cert"):
        assert remedy in result.stderr
    assert "make run" not in result.stderr


def test_what_grpc_logs_is_for_who_asks_for_it(serve):
    address = serve()
    assert "ssl_transport_security" not in version(address, "--tls").stderr
    assert "ssl_transport_security" in version(address, "--tls", GRPC_VERBOSITY="ERROR").stderr


def test_tls_to_nobody_is_no_question_of_certificates(closed_port):
    result = version(f"127.0.0.1:{closed_port}", "--tls")
    assert result.returncode == UNAVAILABLE
    assert "Start one with `fusebox`" in result.stderr
    assert "--tls-ca" not in result.stderr


def test_files_that_hold_no_certificate_are_said_to_be_at_fault(serve, write):
    result = version(serve(), "--tls", "--tls-ca", write("no certificate"))
    assert result.returncode != 0
    assert "--tls-ca" in result.stderr


def test_plaintext_to_a_server_with_tls_says_what_may_be_missing(serve):
    result = version(serve())
    assert result.returncode == UNAVAILABLE
    assert "If it wants TLS, say --tls (FUSEBOX_TLS=true)." in result.stderr


def test_plaintext_to_nobody_says_nothing_about_tls(closed_port):
    assert "--tls" not in version(f"127.0.0.1:{closed_port}").stderr


def test_the_name_in_the_certificate_can_be_another(serve, trust):
    address = serve()
    assert "server  nobody" in version(address, *trust, "--tls-server-name", HOST).stdout
    result = version(address, *trust, "--tls-server-name", "elsewhere.test")
    assert result.returncode == UNAVAILABLE


def test_mutual_tls_shows_the_clients_certificate(serve, trust, certificates):
    address = serve(mutual=True)
    result = version(address, *trust)
    assert result.returncode == UNAVAILABLE
    assert "--tls-client-cert" in result.stderr
    own = ("--tls-client-cert", str(certificates / "cert.pem"), "--tls-client-key", str(certificates / "key.pem"))
    assert "server  nobody" in version(address, *trust, *own).stdout


def test_the_flags_may_be_variables(serve, certificates):
    result = version(serve(), FUSEBOX_TLS="true", FUSEBOX_TLS_CA=str(certificates / "ca.pem"))
    assert "server  nobody" in result.stdout


def test_the_servers_variables_are_not_the_clients(serve, trust):
    env = {"FUSEBOX_TLS_CERT": "none.pem", "FUSEBOX_TLS_KEY": "none.pem"}
    assert "server  nobody" in version(serve(), *trust, **env).stdout


def test_a_token_is_sent_as_bearer(serve, trust, write):
    address = serve()
    file = write("s3cret\n")
    assert "Bearer s3cret" in version(address, *trust, "--token-file", file).stdout
    assert "Bearer t0ken" in version(address, *trust, FUSEBOX_TOKEN="t0ken").stdout
    both = version(address, *trust, "--token-file", file, FUSEBOX_TOKEN="t0ken")
    assert "Bearer s3cret" in both.stdout


def test_a_token_may_go_over_loopback_in_plain_text(serve):
    assert "Bearer t0ken" in version(serve(tls=False), FUSEBOX_TOKEN="t0ken").stdout


@pytest.mark.parametrize(
    "address", ["fusebox.internal:7400", "10.0.0.1:7400", "dns:///fusebox:7400",
                "127.0.0.1.example.com:7400"]
)
def test_a_token_does_not_go_over_the_network_in_plain_text(address):
    result = version(address, FUSEBOX_TOKEN="t0ken")
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert f'the token of FUSEBOX_TOKEN would go to "{address}" in plain text' in result.stderr
    assert "add --tls" in result.stderr
    assert "t0ken" not in result.stderr


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--tls-ca", "ca.pem"), '--tls-ca is "ca.pem", but the connection is not to be encrypted'),
        (("--tls-server-name", HOST), f'--tls-server-name is "{HOST}", but the connection'),
        (("--tls", "--tls-client-cert", "c.pem"), "--tls-client-cert and --tls-client-key are two parts of one identity"),
        (("--tls", "--tls-ca", "none.pem"), '--tls-ca: cannot read "none.pem": No such file'),
        (("--token-file", "none"), '--token-file: cannot read "none": No such file'),
    ],
)
def test_flags_that_cannot_work_are_refused(flags, complaint):
    result = version("127.0.0.1:7400", *flags)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert complaint in result.stderr
    # As grpc-health-probe says that its flags are wrong.
    assert run("health", *flags).returncode == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("", "holds no token"), ("two words", "holds more than one word"), ("\x1b[31m", "more than one")],
)
def test_what_is_no_token_is_refused_and_not_shown(write, content, complaint):
    result = version("127.0.0.1:7400", "--token-file", write(content))
    assert result.returncode == USAGE
    assert complaint in result.stderr
    assert not content or content not in result.stderr


@pytest.mark.parametrize("arguments", [("completion", "bash"), ("version", "--client")])
def test_what_asks_no_server_needs_no_credentials(arguments):
    result = run(*arguments, "--tls", "--tls-ca", "none.pem", "--token-file", "none")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("get", "a"), ("watch",), ("apply", "-f", "-")])
def test_what_asks_a_server_says_once_what_is_wrong_with_them(arguments):
    file = "policies: [{name: a, match: [a]}, {name: b, match: [b]}]"
    result = run(*arguments, "--token-file", "none", stdin=file)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr == (
        'fuseboxctl: --token-file: cannot read "none": No such file or directory\n'
    )


def test_no_flag_holds_a_token():
    assert "--token " not in run("--help").stdout
