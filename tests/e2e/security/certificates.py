"""Certificate authorities of a test's own, and what they sign.

    authority = Authority(folder, "prod")
    server = authority.issue("server", "DNS:localhost,IP:127.0.0.1")
    server.certificate, server.key      paths of files in PEM
    authority.certificate               that of the authority itself
"""

import pathlib
import subprocess
import typing


class Pair(typing.NamedTuple):
    """Where a certificate and its key are."""

    certificate: pathlib.Path
    key: pathlib.Path

    def read(self):
        return self.certificate.read_bytes(), self.key.read_bytes()


def openssl(*arguments):
    ended = subprocess.run(
        ["openssl", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"openssl {arguments}: {ended.stderr}"
    return ended.stdout


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """Signs certificates, into a folder of its own."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir()
        self.certificate = self.folder / "ca.pem"
        self._key = self.folder / "ca.key"
        self._issued = 0
        openssl(
            "req", "-x509", *NEW_KEY, "-keyout", self._key, "-out", self.certificate,
            "-days", 100, "-subj", f"/CN={name}",
        )  # fmt: skip

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", days=10):
        """Signs a certificate; one of -1 days has expired."""
        self._issued += 1
        stem = self.folder / f"{name}-{self._issued}"
        pair = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        request = stem.with_suffix(".csr")
        openssl(
            "req", "-new", *NEW_KEY, "-keyout", pair.key, "-out", request,
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={san}",
        )  # fmt: skip
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
            "-days", days, "-copy_extensions", "copyall", "-out", pair.certificate,
        )  # fmt: skip
        return pair


def serial_of(pem):
    """The serial number of a certificate: no two of one authority share it."""
    ended = subprocess.run(
        ["openssl", "x509", "-noout", "-serial"],
        input=pem,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()
