"""Strict DER (X.690): the expected tag, a definite length in the fewest octets, and nothing left over."""

SEQUENCE, SET = 0x30, 0x31
BIT_STRING, OCTET_STRING, UTF8_STRING, PRINTABLE_STRING = 0x03, 0x04, 0x0C, 0x13


class DerError(ValueError):
    """Octets that are not the element expected there."""


def element(octets: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends (X.690 8.1.3, 10.1). Raises DerError."""
    start = at + 2
    if start > len(octets) or octets[at] != tag:
        raise DerError
    length = octets[at + 1]
    if length >= 0x80:
        size = length & 0x7F
        length = int.from_bytes(octets[start : start + size], "big")
        start += size
        if length < 0x80 or length.bit_length() <= 8 * (size - 1):
            raise DerError
    end = start + length
    if end > len(octets):
        raise DerError
    return start, end


def sole(octets: bytes, tag: int, prefix: bytes = b"") -> bytes:
    """The content of the one element that `octets` are, less the prefix that it must begin with. Raises DerError."""
    start, end = element(octets, 0, tag)
    if end != len(octets) or not octets.startswith(prefix, start):
        raise DerError
    return octets[start + len(prefix) :]
