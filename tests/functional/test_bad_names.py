"""Names and addresses that no node has in any form: each is refused before anything is looked up."""

import pytest

from csr_approver.policy.reason import Reason
from tests.support.crafted import crafted, naming
from tests.support.der import SUBJECT_ALT_NAME, dns_name, extension_request, ip_name, sequence, tlv
from tests.support.endings import APPROVED, Played, Row, check, denied, play
from tests.support.requests import ADDRESS, NODE_NAME, signing_request

BAD = denied(Reason.SUBJECT_ALT_NAME_INVALID)
DIRECTORY_NAME = tlv(0xA4, sequence())
OTHER_NAME = tlv(0xA0, bytes.fromhex("06032a0304"), tlv(0xA0, tlv(0x0C, b"node")))

DNS_NAMES: dict[str, str | bytes] = {
    "an empty name": "",
    "a dot alone": ".",
    "two trailing dots": f"{NODE_NAME}..",
    "a leading dot": f".{NODE_NAME}",
    "an empty label": "ip-10-0-1-23..compute.internal",
    "a wildcard": "*.us-west-2.compute.internal",
    "a partial wildcard": "ip-10-0-1-*.us-west-2.compute.internal",
    "an underscore": "ip_10_0_1_23.us-west-2.compute.internal",
    "a NUL after the name": f"{NODE_NAME}\0.example",
    "a line break after the name": f"{NODE_NAME}\n",
    "a space after the name": f"{NODE_NAME} ",
    "a slash": "node/a.example",
    "a port": f"{NODE_NAME}:10250",
    "an e-mail address": "admin@example.com",
    "a label that starts with a hyphen": "-node.example",
    "a label that ends with a hyphen": "node-.example",
    "a label of 64 characters": f"{'a' * 64}.example",
    "a name of 254 characters": ".".join(["a" * 63] * 3 + ["a" * 62]),
    "an IPv4 address as a name": ADDRESS,
    "an IPv4 address in octal as a name": "012.0.1.23",
    "an IPv4 address in hexadecimal as a name": "0xa.0x0.0x1.0x17",
    "an IPv4 address in one number as a name": "167772439",
    "an IPv6 address as a name": "fd00::1",
    "a name in UTF-8": "nöde.example".encode(),
    "a name in Latin-1": "nöde.example".encode("latin-1"),
    "a Kelvin sign for a k": "\u212aubernetes.example".encode(),
}
ADDRESSES: dict[str, bytes] = {
    "an address of no octets": b"",
    "an address of five octets": b"\x0a\x00\x01\x17\x00",
    "an IPv4 network of eight octets": b"\x0a\x00\x01\x17\xff\xff\xff\xff",
    "an IPv6 network of 32 octets": b"\xfd" + bytes(15) + b"\xff" * 16,
    "an IPv4-mapped IPv6 address": bytes(10) + b"\xff\xff\x0a\x00\x01\x17",
}
OTHERS: dict[str, bytes] = {
    "an e-mail address entry": tlv(0x81, b"admin@example.com"),
    "a URI": tlv(0x86, b"spiffe://example.com/node"),
    "a directory name": DIRECTORY_NAME,
    "another name": OTHER_NAME,
    "an X.400 address": tlv(0xA3, b""),
    "an EDI party name": tlv(0xA5, b""),
    "a registered id": tlv(0x88, bytes.fromhex("2a0304")),
    "an entry of a tag that there is not": tlv(0x89, b"node"),
}


def naming_too(entry: bytes) -> Row:
    """The node's own name and address, and one more entry."""
    return lambda: naming(dns_name(NODE_NAME), ip_name(ADDRESS), entry), BAD


ROWS: dict[str, Row] = {
    "the node's own name and address": (signing_request, APPROVED),
    "a name of 253 characters is well-formed": (
        lambda: naming(dns_name(".".join(["a" * 63] * 3 + ["a" * 61]))),
        denied(Reason.NAME_NOT_OF_INSTANCE),
    ),
    **{what: naming_too(dns_name(name)) for what, name in DNS_NAMES.items()},
    **{what: naming_too(ip_name(octets)) for what, octets in ADDRESSES.items()},
    **{what: naming_too(entry) for what, entry in OTHERS.items()},
    "an extension with octets after the names": (
        lambda: crafted(
            attributes=[
                extension_request(
                    sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(dns_name(NODE_NAME)), dns_name("evil.example")))
                )
            ]
        ),
        BAD,
    ),
}


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_only_strict_names_and_plain_addresses_are_taken(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_name_troubles_the_function(played: Played) -> None:
    assert played.troubles == []
