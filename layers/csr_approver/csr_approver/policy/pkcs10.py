"""The strict reader of spec.request: the only module, with policy.der, that touches PEM or DER.

The API server and the signer read a request with Go. Go and Python do not read every request alike: which PEM block,
which attribute, which of two common names. So no parser's tolerance is relied on: the request is walked once, in the
one form that a kubelet sends (RFC 2986, RFC 5280), with every octet accounted for, and anything else is refused.
"""

import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from csr_approver.policy.der import (
    BIT_STRING,
    OCTET_STRING,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    UTF8_STRING,
    DerError,
    element,
    sole,
)
from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Finding, shown

MAX_PEM_BYTES = 16 * 1024

_MAX_BASE64_CHARACTERS = (MAX_PEM_BYTES + 2) // 3 * 4
_PEM_HEAD, _PEM_TAIL = b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----END CERTIFICATE REQUEST-----\n"

# Object identifiers, as elements.
_ORGANIZATION, _COMMON_NAME = bytes.fromhex("060355040a"), bytes.fromhex("0603550403")
_EXTENSION_REQUEST = bytes.fromhex("06092a864886f70d01090e")  # PKCS#9, 1.2.840.113549.1.9.14
_SUBJECT_ALT_NAME = bytes.fromhex("0603551d11")
_VERSION_0, _NO_UNUSED_BITS = b"\x02\x01\x00", b"\x00"
_ATTRIBUTES, _DNS_NAME, _IP_ADDRESS = 0xA0, 0x82, 0x87
_GENERAL_NAMES = {  # RFC 5280 4.2.1.6, those that no kubelet asks for
    0xA0: "otherName",
    0x81: "rfc822Name",
    0xA3: "x400Address",
    0xA4: "directoryName",
    0xA5: "ediPartyName",
    0x86: "uniformResourceIdentifier",
    0x88: "registeredID",
}

# The whole AlgorithmIdentifier (RFC 5758 3.2: no parameters for ECDSA; RFC 4055 5: NULL for PKCS#1 v1.5, so no PSS).
_ECDSA = {
    bytes.fromhex("300a06082a8648ce3d040302"): ec.ECDSA(hashes.SHA256()),
    bytes.fromhex("300a06082a8648ce3d040303"): ec.ECDSA(hashes.SHA384()),
    bytes.fromhex("300a06082a8648ce3d040304"): ec.ECDSA(hashes.SHA512()),
}
_RSA: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("300d06092a864886f70d01010b0500"): hashes.SHA256(),
    bytes.fromhex("300d06092a864886f70d01010c0500"): hashes.SHA384(),
    bytes.fromhex("300d06092a864886f70d01010d0500"): hashes.SHA512(),
}
# SubjectPublicKeyInfo (RFC 5480) of P-256, P-384 and P-521 by its length: what precedes the point's coordinates, with
# the octet that says that the point is not compressed.
_CURVES = {
    91: bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    120: bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"),
    158: bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"),
}
_PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
T = TypeVar("T")

_malformed = partial(Finding, Reason.REQUEST_MALFORMED, "spec.request")
_BAD_SUBJECT = Finding(
    Reason.SUBJECT_MISMATCH, "spec.request: subject", "must be O then CN, once each, in PrintableString or UTF8String"
)
_BAD_ATTRIBUTES = Finding(
    Reason.ATTRIBUTES_NOT_PERMITTED,
    "spec.request: attributes",
    "must be one PKCS#9 extensionRequest for a non-critical subjectAltName and nothing else",
)
_bad_names = partial(Finding, Reason.SUBJECT_ALT_NAME_INVALID, "spec.request: subjectAltName")
_BAD_KEY = Finding(
    Reason.KEY_NOT_PERMITTED,
    "spec.request: public key",
    "must be ECDSA P-256, P-384 or P-521, or RSA of 2048 to 4096 bits with e=65537",
)
_bad_signature = partial(Finding, Reason.SIGNATURE_INVALID, "spec.request: signature")


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What the signer will copy into the certificate.

    `alternative_names` are as written and not yet canonical: str for a dNSName, the octets of an iPAddress.
    """

    organization: str
    common_name: str
    alternative_names: tuple[str | bytes, ...]


class _RefusedError(Exception):
    """One objection, which ends the reading of one part."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


def read_certificate_request(pem_base64: str | None) -> CertificateRequest | tuple[Finding, ...]:
    """Read spec.request (base64 of PEM), or say every reason why it is not one that a kubelet sends. Never raises."""
    try:
        signed, algorithm, signature = _outer(_der(pem_base64))
        subject, public_key, attributes = _inner(signed)
    except _RefusedError as refused:
        return (refused.finding,)
    except DerError:
        return (_malformed("is no PKCS#10 version 0 certification request in DER"),)
    findings: list[Finding] = []
    who = _part(_subject, subject, _BAD_SUBJECT, findings)
    names = _part(_alternative_names, attributes, _BAD_ATTRIBUTES, findings)
    key = _part(_key, public_key, _BAD_KEY, findings)
    if key is not None:
        findings += _signature_findings(key, algorithm, signature, signed)
    if who is None or names is None or findings:
        return tuple(findings)
    return CertificateRequest(*who, names)


def _part(read: Callable[[bytes], T], octets: bytes, objection: Finding, findings: list[Finding]) -> T | None:
    """What one part says; None, and a finding, if it may not say that."""
    try:
        return read(octets)
    except _RefusedError as refused:
        findings.append(refused.finding)
    except ValueError:
        findings.append(objection)
    return None


def _der(pem_base64: str | None) -> bytes:
    """One canonical PEM block and nothing else, as Go's pem.EncodeToMemory writes it (RFC 7468, 64 columns, LF)."""
    if not pem_base64:
        raise _RefusedError(_malformed("is empty"))
    if len(pem_base64) > _MAX_BASE64_CHARACTERS:
        raise _RefusedError(_malformed(f"is longer than {MAX_PEM_BYTES} bytes"))
    try:
        pem = binascii.a2b_base64(pem_base64, strict_mode=True)
    except ValueError:
        raise _RefusedError(_malformed("is not base64")) from None
    if len(pem) > MAX_PEM_BYTES:
        raise _RefusedError(_malformed(f"is longer than {MAX_PEM_BYTES} bytes"))
    try:
        der = binascii.a2b_base64(pem.removeprefix(_PEM_HEAD).removesuffix(_PEM_TAIL))
    except ValueError:
        der = b""
    text = binascii.b2a_base64(der, newline=False)
    lines = b"\n".join([text[start : start + 64] for start in range(0, len(text), 64)])
    if not der or pem != _PEM_HEAD + lines + b"\n" + _PEM_TAIL:
        raise _RefusedError(_malformed("is not exactly one canonical PEM block CERTIFICATE REQUEST"))
    return der


def _outer(der: bytes) -> tuple[bytes, bytes, bytes]:
    """CertificationRequest: what is signed and the AlgorithmIdentifier, both as elements, and the signature."""
    octets = sole(der, SEQUENCE)
    signed_end = element(octets, 0, SEQUENCE)[1]
    algorithm_end = element(octets, signed_end, SEQUENCE)[1]
    signature = sole(octets[algorithm_end:], BIT_STRING, prefix=_NO_UNUSED_BITS)
    return octets[:signed_end], octets[signed_end:algorithm_end], signature


def _inner(signed: bytes) -> tuple[bytes, bytes, bytes]:
    """CertificationRequestInfo: the subject's RDNs, SubjectPublicKeyInfo as an element, and the attributes."""
    octets = sole(signed, SEQUENCE, prefix=_VERSION_0)
    subject_start, subject_end = element(octets, 0, SEQUENCE)
    key_end = element(octets, subject_end, SEQUENCE)[1]
    attributes = sole(octets[key_end:], _ATTRIBUTES)
    return octets[subject_start:subject_end], octets[subject_end:key_end], attributes


def _subject(octets: bytes) -> tuple[str, str]:
    """O then CN, each a RelativeDistinguishedName of its own."""
    organization_start, organization_end = element(octets, 0, SET)
    organization = _attribute_value(octets[organization_start:organization_end], _ORGANIZATION)
    common_name = _attribute_value(sole(octets[organization_end:], SET), _COMMON_NAME)
    return organization, common_name


def _attribute_value(octets: bytes, attribute_type: bytes) -> str:
    value = sole(octets, SEQUENCE, prefix=attribute_type)
    tag = UTF8_STRING if value[:1] == bytes((UTF8_STRING,)) else PRINTABLE_STRING
    return sole(value, tag).decode("utf-8")


def _alternative_names(octets: bytes) -> tuple[str | bytes, ...]:
    """One attribute, one value, one extension, which is not critical: a critical one has a BOOLEAN after its OID."""
    extensions = sole(sole(octets, SEQUENCE, prefix=_EXTENSION_REQUEST), SET)
    extension = sole(sole(extensions, SEQUENCE), SEQUENCE, prefix=_SUBJECT_ALT_NAME)
    value = sole(extension, OCTET_STRING)
    try:
        return tuple(_general_names(sole(value, SEQUENCE)))
    except DerError:
        raise _RefusedError(_bad_names("cannot be decoded")) from None


def _general_names(octets: bytes) -> Iterator[str | bytes]:
    at = 0
    while at < len(octets):
        tag = octets[at]
        start, at = element(octets, at, tag)
        if tag == _DNS_NAME:
            yield _ascii(octets[start:at])
        elif tag == _IP_ADDRESS:
            yield octets[start:at]
        else:
            kind = _GENERAL_NAMES.get(tag, f"a name with tag {tag:#04x}")
            raise _RefusedError(_bad_names(f"holds {kind}; only DNS names and IP addresses are permitted"))


def _ascii(octets: bytes) -> str:
    try:
        return octets.decode("ascii")
    except ValueError:
        raise _RefusedError(_bad_names(f"holds {shown(octets)}, which is not ASCII")) from None


def _key(octets: bytes) -> _PublicKey:
    try:
        key = load_der_public_key(octets)
    except (TypeError, UnsupportedAlgorithm):
        raise _RefusedError(_BAD_KEY) from None
    if isinstance(key, ec.EllipticCurvePublicKey):
        head = _CURVES.get(len(octets))
        permitted = head is not None and octets.startswith(head)
    elif isinstance(key, rsa.RSAPublicKey):
        # Encoded anew it must be the same: nothing in it that the parser was lenient about.
        canonical = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        permitted = 2048 <= key.key_size <= 4096 and key.public_numbers().e == 65537 and canonical == octets
    else:
        raise _RefusedError(_BAD_KEY)
    if not permitted:
        raise _RefusedError(_BAD_KEY)
    return key


def _signature_findings(key: _PublicKey, algorithm: bytes, signature: bytes, signed: bytes) -> tuple[Finding, ...]:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, _ECDSA[algorithm])
        else:
            key.verify(signature, signed, padding.PKCS1v15(), _RSA[algorithm])
    except KeyError:
        return (_bad_signature("must be ECDSA or RSA PKCS#1 v1.5 with SHA-256, SHA-384 or SHA-512"),)
    except InvalidSignature:
        return (_bad_signature("was not made with the key in the request"),)
    return ()
