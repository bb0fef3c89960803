"""PEM as Go's encoding/pem finds it: text around blocks and malformed blocks are skipped."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

_BLOCK = re.compile(rb"^-----BEGIN ([^\n]*?)-----[ \t]*\r?\n(.*?)^-----END \1-----[ \t]*\r?$", re.MULTILINE | re.DOTALL)
_HEADER = re.compile(rb"^[^\n:]+:[^\n]*\n", re.MULTILINE)


class _Block(NamedTuple):
    label: str
    has_headers: bool
    der: bytes


def certificate_request(pem: bytes) -> x509.CertificateSigningRequest:
    """The request in the first block (pkg/apis/certificates ParseCSR). Raises ValueError."""
    block = next(_blocks(pem), None)
    if block is None or block.label != "CERTIFICATE REQUEST":
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    return x509.load_der_x509_csr(block.der)


def check_self_signed(request: x509.CertificateSigningRequest) -> None:
    """Raises ValueError if the request is not signed by the key in it."""
    try:
        valid = request.is_signature_valid
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not valid:
        raise ValueError("x509: signature verification failure")


def common_name(request: x509.CertificateSigningRequest) -> str:
    """The last CN, as Go's pkix.Name has it; empty if there is none."""
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def check_certificates(pem: bytes) -> None:
    """Raises ValueError unless this is certificates and nothing else (validation.go validateCertificate)."""
    blocks = list(_blocks(pem))
    if not blocks:
        raise ValueError("must contain at least one CERTIFICATE PEM block")
    for block in blocks:
        if block.label != "CERTIFICATE":
            raise ValueError(f'only CERTIFICATE PEM blocks are allowed, found "{block.label}"')
        if block.has_headers:
            raise ValueError("no PEM block headers are permitted")
        x509.load_der_x509_certificate(block.der)


def _blocks(pem: bytes) -> Iterator[_Block]:
    for found in _BLOCK.finditer(pem):
        content = _HEADER.sub(b"", found[2])
        try:
            der = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error:
            continue
        yield _Block(found[1].decode(errors="replace"), content != found[2], der)
