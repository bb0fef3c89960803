"""RSA keys that no library makes: e=1, e=3, and a modulus too large to find primes for."""

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.der import sequence, tlv

_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def rsa_public_key_info(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo of any two numbers."""
    key = sequence(_integer(modulus), _integer(exponent))
    return sequence(_RSA_ENCRYPTION, tlv(0x03, b"\x00", key))


def padded_digest(digest: bytes, octets: int) -> bytes:
    """EMSA-PKCS1-v1_5 of a SHA-256 digest: what s^e mod n must be, and with e=1 the signature itself."""
    info = _SHA256_PREFIX + digest
    return b"\x00\x01" + b"\xff" * (octets - len(info) - 3) + b"\x00" + info


def modulus_of(bits: int) -> int:
    """An odd number of so many bits; nobody looks whether it has prime factors."""
    return (1 << (bits - 1)) | 1


def key_with_exponent_3() -> rsa.RSAPrivateKey:
    """2048 bits."""
    return rsa.generate_private_key(3, 2048)


def _integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))
