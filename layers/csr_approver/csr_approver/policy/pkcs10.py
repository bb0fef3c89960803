"""The strict reader of spec.request: the only module that touches PEM or DER.

The API server and the signer read a request with Go, and Go and Python do not read every request alike: which PEM
block, which attribute, which of two common names. So nothing is trusted because a parser accepted it. The values
that `cryptography` read are encoded anew, in the one form that a kubelet sends (RFC 2986, RFC 5280, DER), and the
result must be the request, byte for byte. DER is injective: whoever decodes these bytes reads these values.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from itertools import product
from typing import NamedTuple, TypeAlias, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Finding, shown

MAX_PEM_BYTES = 16 * 1024

_MAX_BASE64_CHARACTERS = (MAX_PEM_BYTES + 2) // 3 * 4
_PEM_HEAD, _PEM_TAIL = b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----END CERTIFICATE REQUEST-----\n"
_EXTENSION_REQUEST = x509.ObjectIdentifier("1.2.840.113549.1.9.14")

# The whole AlgorithmIdentifier (RFC 5758 3.2: no parameters for ECDSA; RFC 4055 5: NULL for PKCS#1 v1.5, so no PSS).
_ECDSA: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("300a06082a8648ce3d040302"): hashes.SHA256(),
    bytes.fromhex("300a06082a8648ce3d040303"): hashes.SHA384(),
    bytes.fromhex("300a06082a8648ce3d040304"): hashes.SHA512(),
}
_RSA: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("300d06092a864886f70d01010b0500"): hashes.SHA256(),
    bytes.fromhex("300d06092a864886f70d01010c0500"): hashes.SHA384(),
    bytes.fromhex("300d06092a864886f70d01010d0500"): hashes.SHA512(),
}
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
S = TypeVar("S")
T = TypeVar("T")

_PRINTABLE_STRING, _UTF8_STRING = 0x13, 0x0C
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87  # GeneralName [2] IA5String, [7] OCTET STRING (RFC 5280 4.2.1.6)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What the signer will copy into the certificate.

    `alternative_names` are as written and not yet canonical: str for a dNSName, the octets of an iPAddress.
    """

    organization: str
    common_name: str
    alternative_names: tuple[str | bytes, ...]


class _Subject(NamedTuple):
    organization: str
    common_name: str
    der: bytes


class _RefusedError(Exception):
    """One objection, which ends the reading of one part."""

    def __init__(self, reason: Reason, subject: str, detail: str) -> None:
        super().__init__(detail)
        self.finding = Finding(reason, subject, detail)


_malformed = partial(_RefusedError, Reason.REQUEST_MALFORMED, "spec.request")
_bad_subject = partial(_RefusedError, Reason.SUBJECT_MISMATCH, "spec.request: subject")
_bad_attributes = partial(_RefusedError, Reason.ATTRIBUTES_NOT_PERMITTED, "spec.request: attributes")
_bad_name = partial(_RefusedError, Reason.SUBJECT_ALT_NAME_INVALID, "spec.request: subjectAltName")
_bad_key = partial(_RefusedError, Reason.KEY_NOT_PERMITTED, "spec.request: public key")
_bad_signature = partial(_RefusedError, Reason.SIGNATURE_INVALID, "spec.request: signature")


def read_certificate_request(pem_base64: str | None) -> CertificateRequest | tuple[Finding, ...]:
    """Read spec.request (base64 of PEM), or say every reason why it is not one that a kubelet sends. Never raises."""
    try:
        der = _der(pem_base64)
        csr = _guarded(x509.load_der_x509_csr, der, _malformed("is no PKCS#10 version 0 certification request"))
    except _RefusedError as refused:
        return (refused.finding,)
    findings: list[Finding] = []

    def part(read: Callable[[x509.CertificateSigningRequest], T], otherwise: _RefusedError) -> T | None:
        try:
            return _guarded(read, csr, otherwise)
        except _RefusedError as refused:
            findings.append(refused.finding)
            return None

    subject = part(_subject, _bad_subject("cannot be decoded"))
    names = part(_alternative_names, _bad_name("cannot be decoded"))
    key = part(_key, _bad_key("cannot be decoded"))
    if subject is None or names is None or key is None:
        return tuple(findings)
    try:
        _require_canonical(csr, der, subject.der + _spki(key) + _attributes(names))
        _require_signed(csr, der, key)
    except _RefusedError as refused:
        return (refused.finding,)
    return CertificateRequest(subject.organization, subject.common_name, names)


def _guarded(read: Callable[[S], T], value: S, otherwise: _RefusedError) -> T:
    """`cryptography` decodes lazily and raises many types (ValueError, KeyError, InvalidVersion, ...): all are one."""
    try:
        return read(value)
    except _RefusedError:
        raise
    except Exception:
        raise otherwise from None


def _der(pem_base64: str | None) -> bytes:
    """One canonical PEM block and nothing else, as Go's pem.EncodeToMemory writes it (RFC 7468, 64 columns, LF)."""
    if not pem_base64:
        raise _malformed("is empty")
    if len(pem_base64) > _MAX_BASE64_CHARACTERS:
        raise _malformed(f"is longer than {MAX_PEM_BYTES} bytes")
    try:
        pem = base64.b64decode(pem_base64, validate=True)
    except ValueError:
        raise _malformed("is not base64") from None
    if len(pem) > MAX_PEM_BYTES:
        raise _malformed(f"is longer than {MAX_PEM_BYTES} bytes")
    body = pem.removeprefix(_PEM_HEAD).removesuffix(_PEM_TAIL)
    try:
        der = binascii.a2b_base64(body)
    except ValueError:
        der = b""
    lines = binascii.b2a_base64(der, newline=False)
    wrapped = b"".join(lines[start : start + 64] + b"\n" for start in range(0, len(lines), 64))
    if pem != _PEM_HEAD + wrapped + _PEM_TAIL:
        raise _malformed("is not exactly one canonical PEM block CERTIFICATE REQUEST")
    return der


def _subject(csr: x509.CertificateSigningRequest) -> _Subject:
    rdns = [list(rdn) for rdn in csr.subject.rdns]
    if [[attribute.oid for attribute in rdn] for rdn in rdns] != [
        [NameOID.ORGANIZATION_NAME],
        [NameOID.COMMON_NAME],
    ]:
        raise _bad_subject("must be exactly O then CN, each once and alone")
    organization, common_name = (str(rdn[0].value) for rdn in rdns)
    der = csr.subject.public_bytes()
    strings = (_PRINTABLE_STRING, _UTF8_STRING)
    if not any(der == _name(organization, common_name, *tags) for tags in product(strings, strings)):
        raise _bad_subject("must be written in PrintableString or UTF8String")
    return _Subject(organization, common_name, der)


def _alternative_names(csr: x509.CertificateSigningRequest) -> tuple[str | bytes, ...]:
    one_request = _bad_attributes("must be one PKCS#9 extensionRequest that requests one extension")
    attributes = _guarded(lambda request: [attribute.oid for attribute in request.attributes], csr, one_request)
    try:
        extensions = list(csr.extensions)
    except x509.DuplicateExtension:
        raise one_request from None
    if attributes != [_EXTENSION_REQUEST] or len(extensions) != 1:
        raise one_request
    extension = extensions[0].value
    if not isinstance(extension, x509.SubjectAlternativeName) or extensions[0].critical:
        raise _bad_attributes("may request a non-critical subjectAltName and nothing else")
    return tuple(_alternative_name(name) for name in extension)


def _alternative_name(name: x509.GeneralName) -> str | bytes:
    match name:
        case x509.DNSName(value=text) if text.isascii():
            return text
        # An iPAddress of 8 or 32 octets is read as a network.
        case x509.IPAddress(value=IPv4Address() | IPv6Address() as address):
            return address.packed
    raise _bad_name(f"{type(name).__name__} {shown(name.value)} is neither a DNS name nor an IP address")


def _key(csr: x509.CertificateSigningRequest) -> _PublicKey:
    match csr.public_key():
        case ec.EllipticCurvePublicKey() as key if isinstance(key.curve, _CURVES):
            return key
        case rsa.RSAPublicKey() as key if 2048 <= key.key_size <= 4096 and key.public_numbers().e == 65537:
            return key
    raise _bad_key("must be ECDSA P-256, P-384 or P-521, or RSA of 2048 to 4096 bits with e=65537")


def _require_canonical(csr: x509.CertificateSigningRequest, der: bytes, parts: bytes) -> None:
    """Version 0, then subject, key and attributes as they were encoded from the values read."""
    signed = _tlv(0x30, b"\x02\x01\x00" + parts)
    # The second comparison leaves no octet of the request to anything but an algorithm and a signature.
    if signed != csr.tbs_certrequest_bytes or not der.endswith(_bit_string(csr.signature)):
        raise _malformed("is not encoded as a kubelet encodes it")


def _require_signed(csr: x509.CertificateSigningRequest, der: bytes, key: _PublicKey) -> None:
    signed, signature = csr.tbs_certrequest_bytes, csr.signature
    algorithms = _ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else _RSA
    digest = next(
        (
            digest
            for algorithm, digest in algorithms.items()
            if der == _tlv(0x30, signed + algorithm + _bit_string(signature))
        ),
        None,
    )
    if digest is None:
        raise _bad_signature("must be ECDSA or RSA PKCS#1 v1.5 with SHA-256, SHA-384 or SHA-512")
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        else:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        raise _bad_signature("was not made with the key in the request") from None


def _name(organization: str, common_name: str, organization_tag: int, common_name_tag: int) -> bytes:
    o = b"\x06\x03\x55\x04\x0a" + _tlv(organization_tag, organization.encode())
    cn = b"\x06\x03\x55\x04\x03" + _tlv(common_name_tag, common_name.encode())
    return _tlv(0x30, _tlv(0x31, _tlv(0x30, o)) + _tlv(0x31, _tlv(0x30, cn)))


def _spki(key: _PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _attributes(names: tuple[str | bytes, ...]) -> bytes:
    general_names = b"".join(
        _tlv(_DNS_NAME, name.encode()) if isinstance(name, str) else _tlv(_IP_ADDRESS, name) for name in names
    )
    extension = b"\x06\x03\x55\x1d\x11" + _tlv(0x04, _tlv(0x30, general_names))
    values = _tlv(0x31, _tlv(0x30, _tlv(0x30, extension)))
    return _tlv(0xA0, _tlv(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e" + values))


def _bit_string(octets: bytes) -> bytes:
    return _tlv(0x03, b"\x00" + octets)


def _tlv(tag: int, content: bytes) -> bytes:
    """DER: definite length in the fewest octets (X.690 10.1)."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content
