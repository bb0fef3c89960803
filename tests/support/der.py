"""PKCS#10 requests written by hand (RFC 2986, X.690), so that a test can send what no library will write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from typing import TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRINTABLE_STRING, UTF8_STRING = 0x13, 0x0C
ORGANIZATION, COMMON_NAME, ORGANIZATIONAL_UNIT = (
    bytes.fromhex("060355040a"),
    bytes.fromhex("0603550403"),
    bytes.fromhex("060355040b"),
)
EXTENSION_REQUEST = bytes.fromhex("06092a864886f70d01090e")
MICROSOFT_EXTENSION_REQUEST = bytes.fromhex("060a2b06010401823702010e")
CHALLENGE_PASSWORD = bytes.fromhex("06092a864886f70d010907")
SUBJECT_ALT_NAME, BASIC_CONSTRAINTS = bytes.fromhex("0603551d11"), bytes.fromhex("0603551d13")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def tlv(tag: int, *contents: bytes) -> bytes:
    """One element."""
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    octets = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def sequence(*contents: bytes) -> bytes:
    """SEQUENCE."""
    return tlv(0x30, *contents)


def set_of(*contents: bytes) -> bytes:
    """SET OF, in the order given."""
    return tlv(0x31, *contents)


def attribute_value(oid: bytes, text: str | bytes, tag: int = PRINTABLE_STRING) -> bytes:
    """One AttributeTypeAndValue of a name."""
    return sequence(oid, tlv(tag, text.encode() if isinstance(text, str) else text))


def node_subject(common_name: str | bytes, tag: int = PRINTABLE_STRING, organization: str = "system:nodes") -> bytes:
    """O then CN, as a kubelet writes it; `tag` is the CN's string type."""
    return sequence(
        set_of(attribute_value(ORGANIZATION, organization)), set_of(attribute_value(COMMON_NAME, common_name, tag))
    )


def dns_name(text: str | bytes) -> bytes:
    """A dNSName with any octets."""
    return tlv(0x82, text.encode() if isinstance(text, str) else text)


def ip_name(address: str | bytes) -> bytes:
    """An iPAddress with any octets."""
    return tlv(0x87, ip_address(address).packed if isinstance(address, str) else address)


def alternative_names(*names: bytes, critical: bool = False) -> bytes:
    """A subjectAltName extension."""
    return sequence(SUBJECT_ALT_NAME, b"\x01\x01\xff" if critical else b"", tlv(0x04, sequence(*names)))


def extension_request(*extensions: bytes, oid: bytes = EXTENSION_REQUEST) -> bytes:
    """An attribute that requests extensions."""
    return sequence(oid, set_of(sequence(*extensions)))


@cache
def ecdsa_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A P-256 key, the same for the same number in one run."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


def public_key_info(key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: PrivateKey, content: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """ECDSA, or RSA PKCS#1 v1.5."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(digest))
    return key.sign(content, padding.PKCS1v15(), digest)


@dataclass(frozen=True)
class Pkcs10:
    """A request by its parts; change one with dataclasses.replace."""

    subject: bytes
    attributes: Sequence[bytes]
    key: PrivateKey = field(default_factory=ecdsa_key)
    version: bytes = b"\x02\x01\x00"
    spki: bytes | None = None
    algorithm: bytes | None = None
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    signature: bytes | None = None
    after_signature: bytes = b""

    def to_be_signed(self) -> bytes:
        """The CertificationRequestInfo."""
        return sequence(self.version, self.subject, self.spki or public_key_info(self.key), tlv(0xA0, *self.attributes))

    def der(self) -> bytes:
        """The CertificationRequest, signed unless `signature` is given."""
        signed = self.to_be_signed()
        rsa_or_ecdsa = RSA_SHA256 if isinstance(self.key, rsa.RSAPrivateKey) else ECDSA_SHA256
        signature = sign(self.key, signed, self.digest) if self.signature is None else self.signature
        return sequence(signed, self.algorithm or rsa_or_ecdsa, tlv(0x03, b"\x00", signature), self.after_signature)
