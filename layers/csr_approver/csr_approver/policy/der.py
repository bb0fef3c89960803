"""Strict DER, read front to back: the expected tag, a definite length in the fewest octets, and nothing left over."""

from csr_approver.policy.verdict import Finding

SEQUENCE, SET, INTEGER, OBJECT_IDENTIFIER = 0x30, 0x31, 0x02, 0x06
BIT_STRING, OCTET_STRING, UTF8_STRING, PRINTABLE_STRING = 0x03, 0x04, 0x0C, 0x13


class DerError(Exception):
    """Octets that are not the element expected there; carries the finding to report."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


class DerReader:
    """A cursor over the elements in `octets`. Whatever is not read in order, to the end, is an error."""

    __slots__ = ("_at", "_objection", "_octets")

    def __init__(self, octets: bytes, objection: Finding) -> None:
        """`objection`: what to report if the octets are anything else than what is asked for."""
        self._octets, self._objection, self._at = octets, objection, 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._octets)

    def next_tag(self) -> int:
        """The tag of the next element, which is not read."""
        if self.at_end:
            raise DerError(self._objection)
        return self._octets[self._at]

    def take(self, tag: int) -> bytes:
        """The content of the next element, which must have this tag (X.690 8.1, 10.1)."""
        octets, start = self._octets, self._at + 2
        if start > len(octets) or octets[start - 2] != tag:
            raise DerError(self._objection)
        length = octets[start - 1]
        if length >= 0x80:
            size = length & 0x7F
            length = int.from_bytes(octets[start : start + size], "big")
            start += size
            if length < 0x80 or length.bit_length() <= 8 * (size - 1):
                raise DerError(self._objection)
        self._at = end = start + length
        if end > len(octets):
            raise DerError(self._objection)
        return octets[start:end]

    def take_whole(self, tag: int) -> bytes:
        """The next element with its tag and length."""
        first = self._at
        self.take(tag)
        return self._octets[first : self._at]

    def finish(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._octets):
            raise DerError(self._objection)
