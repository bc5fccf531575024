"""The files of a certificate that is replaced, and what a port shows of it."""

import os
import socket
import ssl

from certificates import Pair


class Served:
    """The files that a server reads, and the certificate that it shows."""

    def __init__(self, folder, pair):
        self.pair = Pair(folder / "tls.pem", folder / "tls.key")
        self.write(self.pair.certificate, pair.certificate.read_bytes())
        self.write(self.pair.key, pair.key.read_bytes())

    @staticmethod
    def write(path, data):
        """In place: whoever reads meanwhile reads a part."""
        with path.open("wb") as file:
            for start in range(0, len(data), 100):
                file.write(data[start : start + 100])
                file.flush()

    @staticmethod
    def rename(path, data):
        """At once."""
        new = path.with_suffix(".new")
        new.write_bytes(data)
        os.replace(new, path)

    def replace(self, pair, put):
        certificate, key = pair.read()
        put(self.pair.certificate, certificate)
        put(self.pair.key, key)


def shown_at(address):
    """The certificate that a new connection sees, in DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain) as tls:
        return tls.getpeercert(binary_form=True)


def der(pair):
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
