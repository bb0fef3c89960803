"""Keys and signatures: the key is strong, the signature is its own, and the algorithm is written in one way."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from tests.support.der import (
    ECDSA_SHA256,
    RSA_SHA256,
    Pkcs10,
    PrivateKey,
    ecdsa_key,
    public_key_info,
    sequence,
    sign,
    tlv,
)
from tests.support.requests import NODE_NAME, pem, pkcs10, spec_request

VALID = pkcs10(NODE_NAME)
RSA_ENCRYPTION = sequence(bytes.fromhex("06092a864886f70d010101"), b"\x05\x00")


def algorithm(oid: str, *parameters: bytes) -> bytes:
    return sequence(bytes.fromhex(oid), *parameters)


NULL = b"\x05\x00"
SHA1, MD5 = hashes.SHA1(), hashes.MD5()  # noqa: S303 - to see them refused
SHA384_RSA, SHA512_RSA = algorithm("06092a864886f70d01010c", NULL), algorithm("06092a864886f70d01010d", NULL)
ECDSA_SHA384, ECDSA_SHA512 = algorithm("06082a8648ce3d040303"), algorithm("06082a8648ce3d040304")


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


@cache
def curve_key(curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def read(request: Pkcs10) -> object:
    result = read_certificate_request(spec_request(pem(request.der())))
    if isinstance(result, CertificateRequest):
        return result.alternative_names
    return [finding.reason for finding in result]


def with_key(key: PublicKeyTypes) -> Pkcs10:
    """A request for somebody else's public key."""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return replace(VALID, spki=spki, signature=b"\x00" * 64)


def with_rsa(**changes: Any) -> Pkcs10:
    return replace(VALID, key=rsa_key(), **changes)


def rsa_spki(modulus: int, exponent: int) -> bytes:
    numbers = [tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in (modulus, exponent)]
    return sequence(RSA_ENCRYPTION, tlv(0x03, b"\x00", sequence(*numbers)))


def with_exponent_one() -> Pkcs10:
    """With e=1, whoever writes down the padded digest has signed."""
    modulus = rsa_key().public_key().public_numbers().n
    unsigned = replace(VALID, spki=rsa_spki(modulus, 1), algorithm=RSA_SHA256)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(unsigned.to_be_signed())
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    return replace(unsigned, signature=b"\x00\x01".ljust(256 - 1 - len(info), b"\xff") + b"\x00" + info)


@pytest.mark.parametrize(
    ("key", "digest", "identifier"),
    [
        pytest.param(lambda: curve_key(ec.SECP256R1), hashes.SHA256(), ECDSA_SHA256, id="P-256 with SHA-256"),
        pytest.param(lambda: curve_key(ec.SECP256R1), hashes.SHA512(), ECDSA_SHA512, id="P-256 with SHA-512"),
        pytest.param(lambda: curve_key(ec.SECP384R1), hashes.SHA384(), ECDSA_SHA384, id="P-384 with SHA-384"),
        pytest.param(lambda: curve_key(ec.SECP521R1), hashes.SHA512(), ECDSA_SHA512, id="P-521 with SHA-512"),
        pytest.param(rsa_key, hashes.SHA256(), RSA_SHA256, id="RSA of 2048 bits with SHA-256"),
        pytest.param(rsa_key, hashes.SHA384(), SHA384_RSA, id="RSA of 2048 bits with SHA-384"),
        pytest.param(lambda: rsa_key(3072), hashes.SHA512(), SHA512_RSA, id="RSA of 3072 bits with SHA-512"),
        pytest.param(lambda: rsa_key(4096), hashes.SHA256(), RSA_SHA256, id="RSA of 4096 bits with SHA-256"),
    ],
)
def test_what_a_kubelet_may_use_is_read(
    key: Callable[[], PrivateKey], digest: hashes.HashAlgorithm, identifier: bytes
) -> None:
    assert read(replace(VALID, key=key(), digest=digest, algorithm=identifier)) == (NODE_NAME,)


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda: replace(VALID, key=curve_key(ec.SECP224R1)), id="P-224"),
        pytest.param(lambda: replace(VALID, key=curve_key(ec.SECP256K1)), id="secp256k1"),
        pytest.param(lambda: replace(VALID, key=curve_key(ec.BrainpoolP256R1)), id="brainpoolP256r1"),
        pytest.param(lambda: replace(VALID, key=rsa_key(1024)), id="RSA of 1024 bits"),
        pytest.param(lambda: replace(VALID, key=rsa_key(2040)), id="RSA of 2040 bits"),
        pytest.param(lambda: replace(VALID, key=rsa_key(exponent=3)), id="RSA with e=3"),
        pytest.param(with_exponent_one, id="RSA with e=1 and the signature that anybody can make for it"),
        pytest.param(lambda: replace(VALID, spki=rsa_spki((1 << 4104) + 1, 65537)), id="RSA of 4105 bits"),
        pytest.param(lambda: replace(VALID, spki=rsa_spki((1 << 32767) + 1, 65537)), id="RSA of 32768 bits"),
        pytest.param(lambda: with_key(ed25519.Ed25519PrivateKey.generate().public_key()), id="Ed25519"),
        pytest.param(lambda: with_key(dsa.generate_private_key(2048).public_key()), id="DSA"),
        pytest.param(lambda: replace(VALID, spki=compressed_point()), id="a compressed point"),
        pytest.param(
            lambda: replace(VALID, spki=public_key_info(ecdsa_key())[:-1] + b"\x00"), id="no point of the curve"
        ),
        pytest.param(lambda: replace(VALID, spki=ec_spki(b"\x00")), id="the point at infinity"),
        pytest.param(lambda: replace(VALID, spki=explicit_curve()), id="a curve by its parameters"),
        pytest.param(lambda: replace(VALID, spki=pss_spki()), id="an RSA key for PSS only"),
        pytest.param(lambda: replace(VALID, spki=sequence(algorithm("06032a0304"), tlv(0x03, b"\x00x"))), id="unknown"),
        pytest.param(lambda: replace(VALID, spki=sequence(RSA_ENCRYPTION, tlv(0x03, b"\x00"))), id="an empty key"),
        pytest.param(lambda: replace(VALID, spki=sequence()), id="nothing"),
    ],
)
def test_any_other_key_is_refused(request_of: Callable[[], Pkcs10]) -> None:
    assert read(request_of()) == [Reason.KEY_NOT_PERMITTED]


def ec_spki(point: bytes, parameters: bytes = bytes.fromhex("06082a8648ce3d030107")) -> bytes:
    """A P-256 key, or one of another curve."""
    return sequence(sequence(bytes.fromhex("06072a8648ce3d0201"), parameters), tlv(0x03, b"\x00", point))


def compressed_point() -> bytes:
    return ec_spki(ecdsa_key().public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def explicit_curve() -> bytes:
    """CVE-2020-0601: parameters that say nothing of the name of the curve."""
    point = ecdsa_key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return ec_spki(point, sequence(b"\x02\x01\x01"))


def pss_spki() -> bytes:
    der = public_key_info(rsa_key())
    return der.replace(RSA_ENCRYPTION, sequence(bytes.fromhex("06092a864886f70d01010a"), NULL))


def signed_with_pss() -> Pkcs10:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    unsigned = with_rsa(algorithm=algorithm("06092a864886f70d01010a", NULL))
    return replace(unsigned, signature=rsa_key().sign(unsigned.to_be_signed(), scheme, hashes.SHA256()))


def signature_of(request: Pkcs10) -> bytes:
    return sign(request.key, request.to_be_signed(), request.digest)


def bits_left_over() -> bytes:
    """The request with a signature whose last octet has a bit that does not count."""
    signature = signature_of(VALID)
    return sequence(VALID.to_be_signed(), ECDSA_SHA256, tlv(0x03, b"\x01", signature))


@pytest.mark.parametrize(
    "request_of",
    [
        pytest.param(lambda: replace(VALID, signature=signature_of(pkcs10("other"))), id="of another request"),
        pytest.param(lambda: replace(VALID, spki=public_key_info(ecdsa_key(1))), id="by another key"),
        pytest.param(lambda: replace(VALID, signature=b""), id="empty"),
        pytest.param(lambda: replace(VALID, signature=b"\x00" * 70), id="of zeros"),
        pytest.param(
            lambda: replace(VALID, signature=sequence(b"\x02\x01\x00", b"\x02\x01\x00")), id="with r and s zero"
        ),
        pytest.param(lambda: with_rsa(signature=b"\x00" * 256), id="RSA, of zeros"),
        pytest.param(lambda: with_rsa(signature=b"\x00" * 10), id="RSA, too short"),
        pytest.param(lambda: replace(VALID, digest=hashes.SHA384()), id="ECDSA with another digest than it says"),
        pytest.param(lambda: with_rsa(digest=hashes.SHA512()), id="RSA with another digest than it says"),
        pytest.param(
            lambda: replace(VALID, digest=SHA1, algorithm=algorithm("06072a8648ce3d0401")),
            id="ECDSA with SHA-1",
        ),
        pytest.param(
            lambda: replace(VALID, digest=hashes.SHA224(), algorithm=algorithm("06082a8648ce3d040301")),
            id="ECDSA with SHA-224",
        ),
        pytest.param(
            lambda: with_rsa(digest=SHA1, algorithm=algorithm("06092a864886f70d010105", NULL)),
            id="RSA with SHA-1",
        ),
        pytest.param(
            lambda: with_rsa(digest=MD5, algorithm=algorithm("06092a864886f70d010104", NULL)),
            id="RSA with MD5",
        ),
        pytest.param(signed_with_pss, id="RSA-PSS"),
        pytest.param(lambda: replace(VALID, algorithm=RSA_SHA256), id="ECDSA that says it were RSA"),
        pytest.param(lambda: with_rsa(algorithm=ECDSA_SHA256), id="RSA that says it were ECDSA"),
        pytest.param(
            lambda: replace(VALID, algorithm=algorithm("06082a8648ce3d040302", NULL)), id="ECDSA with NULL parameters"
        ),
        pytest.param(
            lambda: with_rsa(algorithm=algorithm("06092a864886f70d01010b")),
            id="RSA without parameters",
        ),
        pytest.param(lambda: replace(VALID, algorithm=sequence()), id="without algorithm"),
    ],
)
def test_any_other_signature_is_refused(request_of: Callable[[], Pkcs10]) -> None:
    assert read(request_of()) == [Reason.SIGNATURE_INVALID]


def test_a_signature_of_an_odd_number_of_bits_is_refused() -> None:
    findings = read_certificate_request(spec_request(pem(bits_left_over())))
    assert isinstance(findings, tuple)
    assert [finding.reason for finding in findings] == [Reason.REQUEST_MALFORMED]
