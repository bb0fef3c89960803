"""Which keys a node may have, and how it proves that it has them: each row from a valid request."""

from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from csr_approver.policy.reason import Reason
from tests.support.crafted import crafted, valid
from tests.support.der import ECDSA_SHA256, RSA_SHA256, ecdsa_key, sequence, tlv
from tests.support.endings import APPROVED, Played, Row, check, denied, play
from tests.support.requests import pem, signing_request
from tests.support.rsa_keys import key_with_exponent_3, modulus_of, padded_digest, rsa_public_key_info

# AlgorithmIdentifiers: RFC 5758, RFC 4055, RFC 8410, RFC 3279.
ECDSA_SHA1, ECDSA_SHA384, ECDSA_SHA512 = map(
    bytes.fromhex, ("300906072a8648ce3d0401", "300a06082a8648ce3d040303", "300a06082a8648ce3d040304")
)
ECDSA_SHA256_WITH_NULL = bytes.fromhex("300c06082a8648ce3d0403020500")
RSA_MD5, RSA_SHA1, RSA_SHA384, RSA_SHA512 = (
    bytes.fromhex(f"300d06092a864886f70d0101{last}0500") for last in ("04", "05", "0c", "0d")
)
RSA_SHA256_WITHOUT_NULL = bytes.fromhex("300b06092a864886f70d01010b")
RSA_PSS_SHA256 = bytes.fromhex(
    "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
    "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
)
ED25519 = bytes.fromhex("300506032b6570")
EC_PUBLIC_KEY_P256 = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")

BAD_KEY, BAD_SIGNATURE = denied(Reason.KEY_NOT_PERMITTED), denied(Reason.SIGNATURE_INVALID)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def on_curve(curve: ec.EllipticCurve, digest: hashes.HashAlgorithm, algorithm: bytes) -> dict[str, Any]:
    return crafted(key=ec.generate_private_key(curve), digest=digest, algorithm=algorithm)


def with_rsa(bits: int, digest: hashes.HashAlgorithm, algorithm: bytes) -> dict[str, Any]:
    return crafted(key=rsa_key(bits), digest=digest, algorithm=algorithm)


def with_unsigned_rsa(modulus: int, exponent: int) -> dict[str, Any]:
    octets = (modulus.bit_length() + 7) // 8
    return crafted(
        spki=rsa_public_key_info(modulus, exponent),
        algorithm=RSA_SHA256,
        signature=modulus_of(8).to_bytes(octets, "big"),
    )


def with_exponent_1() -> dict[str, Any]:
    """The signature is what it must decrypt to, so that it verifies without a private key."""
    unsigned = replace(valid(), spki=rsa_public_key_info(rsa_key(2048).public_key().public_numbers().n, 1))
    return signing_request(
        content=pem(
            replace(
                unsigned,
                algorithm=RSA_SHA256,
                signature=padded_digest(sha256(unsigned.to_be_signed()).digest(), octets=256),
            ).der()
        )
    )


def with_pss() -> dict[str, Any]:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    request = replace(valid(), key=rsa_key(2048), algorithm=RSA_PSS_SHA256)
    signature = rsa_key(2048).sign(request.to_be_signed(), pss, hashes.SHA256())
    return signing_request(content=pem(replace(request, signature=signature).der()))


def with_ed25519() -> dict[str, Any]:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    request = replace(valid(), spki=public, algorithm=ED25519)
    return signing_request(content=pem(replace(request, signature=key.sign(request.to_be_signed())).der()))


def with_compressed_point() -> dict[str, Any]:
    point = ecdsa_key().public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return crafted(spki=sequence(EC_PUBLIC_KEY_P256, tlv(0x03, b"\x00", point)))


def signed_with_another_key() -> dict[str, Any]:
    return crafted(signature=ecdsa_key(1).sign(valid().to_be_signed(), ec.ECDSA(hashes.SHA256())))


SHA256, SHA384, SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
SHA1, MD5 = hashes.SHA1(), hashes.MD5()  # noqa: S303 - they must be refused
ROWS: dict[str, Row] = {
    "P-256 with SHA-256": (signing_request, APPROVED),
    "P-384 with SHA-384": (lambda: on_curve(ec.SECP384R1(), SHA384, ECDSA_SHA384), APPROVED),
    "P-521 with SHA-512": (lambda: on_curve(ec.SECP521R1(), SHA512, ECDSA_SHA512), APPROVED),
    "P-256 with SHA-512": (lambda: on_curve(ec.SECP256R1(), SHA512, ECDSA_SHA512), APPROVED),
    "RSA of 2048 bits with SHA-256": (lambda: with_rsa(2048, SHA256, RSA_SHA256), APPROVED),
    "RSA of 2048 bits with SHA-384": (lambda: with_rsa(2048, SHA384, RSA_SHA384), APPROVED),
    "RSA of 4096 bits with SHA-512": (lambda: with_rsa(4096, SHA512, RSA_SHA512), APPROVED),
    "RSA of 1024 bits": (lambda: with_rsa(1024, SHA256, RSA_SHA256), BAD_KEY),
    "RSA of 2047 bits": (lambda: with_unsigned_rsa(modulus_of(2047), 65537), BAD_KEY),
    "RSA of 4097 bits": (lambda: with_unsigned_rsa(modulus_of(4097), 65537), BAD_KEY),
    "RSA of 32768 bits": (lambda: with_unsigned_rsa(modulus_of(32768), 65537), BAD_KEY),
    "RSA with e=1, whose signatures anybody can make": (with_exponent_1, BAD_KEY),
    "RSA with e=3": (lambda: crafted(key=key_with_exponent_3()), BAD_KEY),
    "P-224": (lambda: on_curve(ec.SECP224R1(), SHA256, ECDSA_SHA256), BAD_KEY),
    "secp256k1": (lambda: on_curve(ec.SECP256K1(), SHA256, ECDSA_SHA256), BAD_KEY),
    "a compressed point": (with_compressed_point, BAD_KEY),
    "Ed25519": (with_ed25519, BAD_KEY),
    "a key of an algorithm that nobody knows": (
        lambda: crafted(spki=sequence(sequence(bytes.fromhex("06032a0304")), tlv(0x03, b"\x00key"))),
        BAD_KEY,
    ),
    "a point that is not on the curve": (
        lambda: crafted(spki=sequence(EC_PUBLIC_KEY_P256, tlv(0x03, b"\x00\x04", b"\x01" * 64))),
        BAD_KEY,
    ),
    "another key's signature": (signed_with_another_key, BAD_SIGNATURE),
    "no signature": (lambda: crafted(signature=b""), BAD_SIGNATURE),
    "a signature of noughts": (lambda: crafted(signature=bytes(64)), BAD_SIGNATURE),
    "ECDSA with SHA-1": (lambda: crafted(digest=SHA1, algorithm=ECDSA_SHA1), BAD_SIGNATURE),
    "ECDSA with a NULL for parameters": (lambda: crafted(algorithm=ECDSA_SHA256_WITH_NULL), BAD_SIGNATURE),
    "RSA with SHA-1": (lambda: with_rsa(2048, SHA1, RSA_SHA1), BAD_SIGNATURE),
    "RSA with MD5": (lambda: with_rsa(2048, MD5, RSA_MD5), BAD_SIGNATURE),
    "RSA without the NULL for parameters": (lambda: with_rsa(2048, SHA256, RSA_SHA256_WITHOUT_NULL), BAD_SIGNATURE),
    "RSA-PSS": (with_pss, BAD_SIGNATURE),
    "an algorithm of the other kind of key": (lambda: crafted(algorithm=RSA_SHA256), BAD_SIGNATURE),
    "another digest than the algorithm says": (lambda: crafted(digest=SHA384), BAD_SIGNATURE),
}


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_only_strong_keys_with_their_own_signature_are_taken(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_key_troubles_the_function(played: Played) -> None:
    assert played.troubles == []
