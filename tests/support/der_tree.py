"""DER as a tree, to change its elements and write it anew with every length put right."""

from collections.abc import Iterator
from typing import TypeAlias

from tests.support.der import tlv

Element: TypeAlias = tuple[int, "bytes | list[Element]"]

# NULL, BOOLEAN, the string types, OCTET STRING, BIT STRING, SEQUENCE, SET, and the context tags of a request.
_TAGS = (0x01, 0x03, 0x04, 0x05, 0x0C, 0x13, 0x14, 0x16, 0x1E, 0x30, 0x31, 0x81, 0x82, 0x86, 0x87, 0xA0, 0xA1, 0xA4)


def parsed(octets: bytes) -> list[Element]:
    """The elements of a request's own DER; nothing else is expected."""
    elements: list[Element] = []
    at = 0
    while at < len(octets):
        tag, length, start = octets[at], octets[at + 1], at + 2
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(octets[at + 2 : start], "big")
        at = start + length
        content = octets[start:at]
        # An OCTET STRING in a request is an extension's value, which is DER again.
        elements.append((tag, parsed(content) if tag & 0x20 or (tag == 0x04 and content) else content))
    return elements


def single_changes(elements: list[Element]) -> Iterator[list[Element]]:
    """Every element left out, doubled, put behind its neighbour, emptied, or given another of the usual tags."""
    for index, (tag, content) in enumerate(elements):
        before, after = elements[:index], elements[index + 1 :]
        yield before + after
        yield [*before, (tag, content), (tag, content), *after]
        if after:
            yield [*before, after[0], (tag, content), *after[1:]]
        yield [*before, (tag, b""), *after]
        yield from ([*before, (other, content), *after] for other in _TAGS if other != tag)
        if isinstance(content, list):
            yield from ([*before, (tag, inner), *after] for inner in single_changes(content))


def written(elements: list[Element]) -> bytes:
    """DER again."""
    return b"".join(tlv(tag, content if isinstance(content, bytes) else written(content)) for tag, content in elements)
