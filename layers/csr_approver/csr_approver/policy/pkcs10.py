"""The strict reader of spec.request: the only module, with policy.der, that touches PEM or DER.

The API server and the signer read a request with Go. Go and Python do not read every request alike: which PEM block,
which attribute, which of two common names. So no parser's tolerance is relied on: the request is walked once, in the
one form that a kubelet sends (RFC 2986, RFC 5280), with every octet accounted for, and anything else is refused.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from csr_approver.policy.der import (
    BIT_STRING,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    UTF8_STRING,
    DerError,
    DerReader,
)
from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Finding, shown

MAX_PEM_BYTES = 16 * 1024

_MAX_BASE64_CHARACTERS = (MAX_PEM_BYTES + 2) // 3 * 4
_PEM_HEAD, _PEM_TAIL = b"-----BEGIN CERTIFICATE REQUEST-----\n", b"-----END CERTIFICATE REQUEST-----\n"

_ORGANIZATION, _COMMON_NAME = bytes.fromhex("55040a"), bytes.fromhex("550403")
_EXTENSION_REQUEST = bytes.fromhex("2a864886f70d01090e")  # 1.2.840.113549.1.9.14
_SUBJECT_ALT_NAME = bytes.fromhex("551d11")
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
# SubjectPublicKeyInfo (RFC 5480) up to and with the octet that says "uncompressed point", and the coordinates' size.
_CURVES: tuple[tuple[bytes, ec.EllipticCurve, int], ...] = (
    (bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"), ec.SECP256R1(), 64),
    (bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"), ec.SECP384R1(), 96),
    (bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"), ec.SECP521R1(), 132),
)
_PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
T = TypeVar("T")

_malformed = partial(Finding, Reason.REQUEST_MALFORMED, "spec.request")
_BAD_SHAPE = _malformed("is no PKCS#10 version 0 certification request in DER")
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


def read_certificate_request(pem_base64: str | None) -> CertificateRequest | tuple[Finding, ...]:
    """Read spec.request (base64 of PEM), or say every reason why it is not one that a kubelet sends. Never raises."""
    findings: list[Finding] = []

    def part(read: Callable[[bytes], T], octets: bytes) -> T | None:
        try:
            return read(octets)
        except DerError as error:
            findings.append(error.finding)
            return None

    try:
        signed, algorithm, signature = _outer(_der(pem_base64))
        subject, public_key, attributes = _inner(signed)
    except DerError as error:
        return (error.finding,)
    who = part(_subject, subject)
    names = part(_alternative_names, attributes)
    key = part(_key, public_key)
    if key is not None:
        part(lambda octets: _require_signature(key, algorithm, octets, signed), signature)
    if who is None or names is None or findings:
        return tuple(findings)
    return CertificateRequest(*who, names)


def _der(pem_base64: str | None) -> bytes:
    """One canonical PEM block and nothing else, as Go's pem.EncodeToMemory writes it (RFC 7468, 64 columns, LF)."""
    if not pem_base64:
        raise DerError(_malformed("is empty"))
    if len(pem_base64) > _MAX_BASE64_CHARACTERS:
        raise DerError(_malformed(f"is longer than {MAX_PEM_BYTES} bytes"))
    try:
        pem = binascii.a2b_base64(pem_base64, strict_mode=True)
    except ValueError:
        raise DerError(_malformed("is not base64")) from None
    if len(pem) > MAX_PEM_BYTES:
        raise DerError(_malformed(f"is longer than {MAX_PEM_BYTES} bytes"))
    try:
        der = binascii.a2b_base64(pem.removeprefix(_PEM_HEAD).removesuffix(_PEM_TAIL))
    except ValueError:
        der = b""
    text = binascii.b2a_base64(der, newline=False)
    lines = b"".join([text[start : start + 64] + b"\n" for start in range(0, len(text), 64)])
    if not der or pem != _PEM_HEAD + lines + _PEM_TAIL:
        raise DerError(_malformed("is not exactly one canonical PEM block CERTIFICATE REQUEST"))
    return der


def _outer(der: bytes) -> tuple[bytes, bytes, bytes]:
    """CertificationRequest: what is signed and the AlgorithmIdentifier, both whole, and the signature's BIT STRING."""
    reader = DerReader(der, _BAD_SHAPE)
    request = DerReader(reader.take(SEQUENCE), _BAD_SHAPE)
    reader.finish()
    parts = request.take_whole(SEQUENCE), request.take_whole(SEQUENCE), request.take(BIT_STRING)
    request.finish()
    return parts


def _inner(signed: bytes) -> tuple[bytes, bytes, bytes]:
    """CertificationRequestInfo: subject, SubjectPublicKeyInfo (whole) and attributes."""
    info = DerReader(DerReader(signed, _BAD_SHAPE).take(SEQUENCE), _BAD_SHAPE)
    if info.take(INTEGER) != b"\x00":
        raise DerError(_BAD_SHAPE)
    parts = info.take(SEQUENCE), info.take_whole(SEQUENCE), info.take(_ATTRIBUTES)
    info.finish()
    return parts


def _subject(octets: bytes) -> tuple[str, str]:
    name = DerReader(octets, _BAD_SUBJECT)
    organization, common_name = _relative_name(name, _ORGANIZATION), _relative_name(name, _COMMON_NAME)
    name.finish()
    return organization, common_name


def _relative_name(name: DerReader, attribute_type: bytes) -> str:
    """One RelativeDistinguishedName of one attribute."""
    values = DerReader(name.take(SET), _BAD_SUBJECT)
    attribute = DerReader(values.take(SEQUENCE), _BAD_SUBJECT)
    values.finish()
    if attribute.take(OBJECT_IDENTIFIER) != attribute_type:
        raise DerError(_BAD_SUBJECT)
    tag = attribute.next_tag()
    if tag not in (PRINTABLE_STRING, UTF8_STRING):
        raise DerError(_BAD_SUBJECT)
    text = attribute.take(tag)
    attribute.finish()
    try:
        return text.decode("utf-8")
    except ValueError:
        raise DerError(_BAD_SUBJECT) from None


def _alternative_names(octets: bytes) -> tuple[str | bytes, ...]:
    attributes = DerReader(octets, _BAD_ATTRIBUTES)
    attribute = DerReader(attributes.take(SEQUENCE), _BAD_ATTRIBUTES)
    attributes.finish()
    if attribute.take(OBJECT_IDENTIFIER) != _EXTENSION_REQUEST:
        raise DerError(_BAD_ATTRIBUTES)
    values = DerReader(attribute.take(SET), _BAD_ATTRIBUTES)
    attribute.finish()
    extensions = DerReader(values.take(SEQUENCE), _BAD_ATTRIBUTES)
    values.finish()
    extension = DerReader(extensions.take(SEQUENCE), _BAD_ATTRIBUTES)
    extensions.finish()
    if extension.take(OBJECT_IDENTIFIER) != _SUBJECT_ALT_NAME:
        raise DerError(_BAD_ATTRIBUTES)
    # A critical extension has a BOOLEAN here; DER does not write its default, FALSE.
    value = extension.take(OCTET_STRING)
    extension.finish()
    return _general_names(value)


def _general_names(octets: bytes) -> tuple[str | bytes, ...]:
    objection = _bad_names("cannot be decoded")
    value = DerReader(octets, objection)
    entries = DerReader(value.take(SEQUENCE), objection)
    value.finish()
    names: list[str | bytes] = []
    while not entries.at_end:
        tag = entries.next_tag()
        if tag == _DNS_NAME:
            names.append(_ascii(entries.take(tag)))
        elif tag == _IP_ADDRESS:
            names.append(entries.take(tag))
        else:
            kind = _GENERAL_NAMES.get(tag, f"a name with tag {tag:#04x}")
            raise DerError(_bad_names(f"holds {kind}; only DNS names and IP addresses are permitted"))
    return tuple(names)


def _ascii(octets: bytes) -> str:
    try:
        return octets.decode("ascii")
    except ValueError:
        raise DerError(_bad_names(f"holds {shown(octets)}, which is not ASCII")) from None


def _key(octets: bytes) -> _PublicKey:
    try:
        key = _ecdsa_key(octets) or _rsa_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if key is None:
        raise DerError(_BAD_KEY)
    return key


def _ecdsa_key(octets: bytes) -> ec.EllipticCurvePublicKey | None:
    """Everything before the point's coordinates is the same in each key of a curve."""
    for head, curve, size in _CURVES:
        if len(octets) == len(head) + size and octets.startswith(head):
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, octets[len(head) - 1 :])
    return None


def _rsa_key(octets: bytes) -> rsa.RSAPublicKey | None:
    """Encoded anew it must be the same: nothing in it that the parser was lenient about."""
    key = load_der_public_key(octets)
    if not isinstance(key, rsa.RSAPublicKey) or not 2048 <= key.key_size <= 4096 or key.public_numbers().e != 65537:
        return None
    return key if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == octets else None


def _require_signature(key: _PublicKey, algorithm: bytes, bits: bytes, signed: bytes) -> None:
    digest = (_ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else _RSA).get(algorithm)
    if digest is None:
        raise DerError(_bad_signature("must be ECDSA or RSA PKCS#1 v1.5 with SHA-256, SHA-384 or SHA-512"))
    unused_bits, signature = bits[:1], bits[1:]
    try:
        if unused_bits != b"\x00":
            raise InvalidSignature
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        else:
            key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        raise DerError(_bad_signature("was not made with the key in the request")) from None
