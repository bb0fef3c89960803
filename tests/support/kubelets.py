"""TLS servers that stand for kubelets, and the nodes that lead to them."""

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from csr_approver_local.pki import Authority, new_authority, private_key_pem

LONG_AGO = 40 * 86400.0


def node(
    name: str, *addresses: tuple[str, str], age_seconds: float = LONG_AGO, port: int | None = None
) -> dict[str, Any]:
    """A Node as `kubectl get nodes -o json` prints it; each address is a type and a value."""
    created = datetime.now(UTC) - timedelta(seconds=age_seconds)
    status: dict[str, Any] = {"addresses": [{"type": kind, "address": address} for kind, address in addresses]}
    if port:
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": port}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "status": status,
    }


def self_signed() -> ssl.SSLContext:
    """A server with a certificate of its own making (client-go, util/cert GenerateSelfSignedCertKey)."""
    return of_authority(new_authority("node-ca@1700000000"), "node@1700000000")


def of_authority(authority: Authority, common_name: str, *, ended: bool = False) -> ssl.SSLContext:
    """A server whose certificate is for no name at all; it ends with the authority's, or ended an hour ago."""
    key, own = ec.generate_private_key(ec.SECP256R1()), authority.certificate
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(own.subject)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(datetime.now(UTC) - timedelta(hours=1) if ended else own.not_valid_after_utc)
        .sign(authority.private_key, hashes.SHA256())
    )
    return _presenting(certificate.public_bytes(Encoding.PEM), private_key_pem(key))


def of_another_authority() -> ssl.SSLContext:
    """A server whose certificate somebody made who is not the cluster's authority."""
    authority = new_authority("somebody")
    return _presenting(authority.certificate_pem, authority.private_key_pem)


def _presenting(certificate: bytes, private_key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # ssl reads a key from a file only.
    with tempfile.NamedTemporaryFile() as file:
        file.write(private_key + certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def without_certificate() -> ssl.SSLContext:
    """A server that answers as Go does where GetCertificate fails: alert internal_error."""
    context = self_signed()
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
    return context


@contextmanager
def listening(speech: ssl.SSLContext | bytes) -> Iterator[int]:
    """The port on 127.0.0.1 where somebody speaks TLS, or says this and waits; he may have nothing to say."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, speech), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _serve(server: socket.socket, speech: ssl.SSLContext | bytes) -> None:
    waiting = []
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            break
        if isinstance(speech, bytes):
            connection.sendall(speech)
            waiting.append(connection)
            continue
        with suppress(OSError), speech.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)
    for connection in waiting:
        connection.close()
