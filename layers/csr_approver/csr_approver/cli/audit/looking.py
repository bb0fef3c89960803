"""A TLS look at kubelets: connect, shake hands, read the certificate, hang up. Nothing is sent or asked for."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from csr_approver.cli.audit.certificates import read_presented
from csr_approver.cli.audit.nodes import Look, NoAnswer, NodeState, Presented, Refused
from csr_approver.policy.names import IPAddress

_PARALLEL = 128
_SECONDS = 3.0
# OpenSSL, X509_V_FLAG_NO_CHECK_TIME, which Python has no name for: an old certificate is told from a foreign one.
_NO_CHECK_TIME = 0x200000


class Looker:
    """What trusts the authority that signs for kubelets, and what trusts everybody, to see who that is."""

    def __init__(self, authority_pem: str) -> None:
        """Raises ValueError where that holds no certificate."""
        self._trusting_all = _context()
        self._trusting_all.verify_mode = ssl.CERT_NONE
        self._trusting = _context()
        self._trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        try:
            self._trusting.load_verify_locations(cadata=authority_pem)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"holds no certificate: {error}") from None

    def look_at(self, nodes: Sequence[NodeState]) -> Iterator[tuple[NodeState, Look]]:
        """Each node as soon as it is known what it presents."""
        with ThreadPoolExecutor(_PARALLEL, "tls") as threads:
            looks = {threads.submit(self._look, node): node for node in nodes}
            try:
                for look in as_completed(looks):
                    yield looks[look], look.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def _look(self, node: NodeState) -> Look:
        if node.address is None:
            return NoAnswer("the node has no InternalIP")
        try:
            try:
                der, trusted = _presented(node.address, node.port, self._trusting), True
            except ssl.SSLCertVerificationError:
                der, trusted = _presented(node.address, node.port, self._trusting_all), False
        except ssl.SSLError as error:
            if error.reason == "TLSV1_ALERT_INTERNAL_ERROR":
                return Refused()
            return NoAnswer(f"port {node.port} speaks no TLS: {error.reason or type(error).__name__}")
        except TimeoutError:
            return NoAnswer(f"{node.address} port {node.port} does not answer within {_SECONDS:g} s")
        except OSError as error:
            return NoAnswer(f"{node.address} port {node.port}: {error.strerror or type(error).__name__}")
        return Presented(read_presented(der), trusted)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The names are compared with the node's by whoever reads the certificate.
    context.check_hostname = False
    return context


def _presented(address: IPAddress, port: int, context: ssl.SSLContext) -> bytes:
    """The certificate, DER. Raises OSError, of which ssl.SSLError is one."""
    with (
        socket.create_connection((str(address), port), _SECONDS) as connection,
        context.wrap_socket(connection) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""
