"""Serving certificates as they were issued or presented. They are told to a person; nothing is decided by them."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.x509.oid import NameOID

from csr_approver.policy.names import IPAddress
from csr_approver.policy.verdict import shown

# client-go, util/certificate: the jittered deadline is at 70 to 90 % of the lifetime.
_RENEWED_AT = 0.9
# client-go, util/cert GenerateSelfSignedCertKey: HOST@TIME, signed by HOST-ca@TIME.
_KUBELETS_OWN = re.compile(r"(?P<host>.+)@[0-9]+")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Common names of subject and issuer, the validity, and the names and addresses that it is for."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: frozenset[str | IPAddress]

    @property
    def is_kubelets_own(self) -> bool:
        """Whether a kubelet made it for itself, as it does without serverTLSBootstrap."""
        match = _KUBELETS_OWN.fullmatch(self.subject)
        return match is not None and self.issuer.startswith(f"{match['host']}-ca@")

    @property
    def renewed_by(self) -> datetime:
        """When the kubelet has the next one at the latest, if all is well."""
        return self.not_before + (self.not_after - self.not_before) * _RENEWED_AT


def read_issued(pem_base64: object) -> Certificate | None:
    """The first one in status.certificate, which is the kubelet's; None where there is no readable one."""
    if not isinstance(pem_base64, str) or not pem_base64:
        return None
    return _read(lambda: x509.load_pem_x509_certificate(base64.b64decode(pem_base64)))


def read_presented(der: bytes) -> Certificate | None:
    """None for one that cannot be read."""
    return _read(lambda: x509.load_der_x509_certificate(der))


def _read(load: Callable[[], x509.Certificate]) -> Certificate | None:
    try:
        certificate = load()
        return Certificate(
            _common_name(certificate.subject),
            _common_name(certificate.issuer),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            frozenset(_names(certificate)),
        )
    except Exception:  # the errors of the library's lazy parsers have no base of their own
        return None


def _common_name(name: x509.Name) -> str:
    return ", ".join(shown(attribute.value) for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME))


def _names(certificate: x509.Certificate) -> Iterator[str | IPAddress]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return
    for name in extension.value:
        match name:
            case x509.DNSName():
                yield name.value.lower()
            case x509.IPAddress(value=IPv4Address() | IPv6Address() as address):
                yield address
