"""What a request may hold. Each row changes one thing in a request that is read, and signs the result.

The shapes are those on which Go, which the API server and the signer use, and Python's cryptography disagree.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from tests.support.der import (
    BASIC_CONSTRAINTS,
    CHALLENGE_PASSWORD,
    COMMON_NAME,
    EXTENSION_REQUEST,
    MICROSOFT_EXTENSION_REQUEST,
    ORGANIZATION,
    ORGANIZATIONAL_UNIT,
    PRINTABLE_STRING,
    SUBJECT_ALT_NAME,
    UTF8_STRING,
    Pkcs10,
    alternative_names,
    attribute_value,
    dns_name,
    extension_request,
    ip_name,
    node_subject,
    sequence,
    set_of,
    tlv,
)
from tests.support.requests import NODE_NAME, pem, pkcs10, spec_request

USER = f"system:node:{NODE_NAME}"
VALID = pkcs10(NODE_NAME, "10.0.1.23")
NAMES = alternative_names(dns_name(NODE_NAME), ip_name("10.0.1.23"))
OWN = extension_request(NAMES)
EVIL = extension_request(alternative_names(dns_name("kubernetes.default.svc"), ip_name("10.0.1.24")))
O_SET, CN_SET = set_of(attribute_value(ORGANIZATION, "system:nodes")), set_of(attribute_value(COMMON_NAME, USER))
CERTIFICATE_AUTHORITY = sequence(BASIC_CONSTRAINTS, tlv(0x04, sequence(b"\x01\x01\xff")))
EXTENDED_KEY_USAGE = sequence(
    bytes.fromhex("0603551d25"), tlv(0x04, sequence(bytes.fromhex("06082b06010505070302")))
)  # client authentication
UNKNOWN_CRITICAL = sequence(bytes.fromhex("06032a0304"), b"\x01\x01\xff", tlv(0x04, b"\x05\x00"))


def read(der: bytes) -> object:
    """The names, or the reasons why not."""
    result = read_certificate_request(spec_request(pem(der)))
    if isinstance(result, CertificateRequest):
        return result.alternative_names
    return [finding.reason for finding in result]


def with_names(*names: bytes) -> bytes:
    return replace(VALID, attributes=[extension_request(alternative_names(*names))]).der()


def with_extension_value(value: bytes) -> bytes:
    return replace(VALID, attributes=[extension_request(sequence(SUBJECT_ALT_NAME, tlv(0x04, value)))]).der()


def test_the_request_that_every_row_changes_is_read() -> None:
    assert read(VALID.der()) == (NODE_NAME, b"\x0a\x00\x01\x17")


@pytest.mark.parametrize("organization_tag", [PRINTABLE_STRING, UTF8_STRING], ids=["printable O", "UTF-8 O"])
@pytest.mark.parametrize("name_tag", [PRINTABLE_STRING, UTF8_STRING], ids=["printable CN", "UTF-8 CN"])
def test_both_string_types_of_a_subject_are_read(organization_tag: int, name_tag: int) -> None:
    subject = sequence(
        set_of(attribute_value(ORGANIZATION, "system:nodes", organization_tag)),
        set_of(attribute_value(COMMON_NAME, USER, name_tag)),
    )
    assert read(replace(VALID, subject=subject).der()) == (NODE_NAME, b"\x0a\x00\x01\x17")


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(sequence(), id="nothing"),
        pytest.param(sequence(O_SET), id="O alone"),
        pytest.param(sequence(CN_SET), id="CN alone"),
        pytest.param(sequence(CN_SET, O_SET), id="CN before O"),
        pytest.param(sequence(O_SET, CN_SET, CN_SET), id="CN twice"),
        pytest.param(
            sequence(O_SET, CN_SET, set_of(attribute_value(COMMON_NAME, "system:node:other"))),
            id="the own CN, then another's, which is the one that Go reads",
        ),
        pytest.param(sequence(O_SET, O_SET, CN_SET), id="O twice"),
        pytest.param(sequence(O_SET, CN_SET, set_of(attribute_value(ORGANIZATIONAL_UNIT, "x"))), id="OU as well"),
        pytest.param(
            sequence(set_of(attribute_value(COMMON_NAME, USER), attribute_value(ORGANIZATION, "system:nodes"))),
            id="O and CN as one RDN",
        ),
        pytest.param(
            sequence(O_SET, set_of(attribute_value(COMMON_NAME, USER), attribute_value(COMMON_NAME, "x"))),
            id="a CN with two values",
        ),
        pytest.param(sequence(O_SET, set_of()), id="an empty RDN"),
        pytest.param(sequence(O_SET, sequence(attribute_value(COMMON_NAME, USER))), id="an RDN that is no set"),
        pytest.param(sequence(O_SET, CN_SET, b"\x05\x00"), id="a NULL after the CN"),
        pytest.param(sequence(O_SET, set_of(sequence(COMMON_NAME))), id="a CN without value"),
        pytest.param(node_subject(USER.encode() + b"\xff", UTF8_STRING), id="a CN that is no UTF-8"),
        *(
            pytest.param(node_subject(text, tag), id=f"a CN as {kind}")
            for kind, tag, text in (
                ("BMPString", 0x1E, USER.encode("utf-16-be")),
                ("T61String", 0x14, USER),
                ("IA5String", 0x16, USER),
                ("UniversalString", 0x1C, USER.encode("utf-32-be")),
                ("NumericString", 0x12, USER),
                ("VisibleString", 0x1A, USER),
                ("OCTET STRING", 0x04, USER),
                ("INTEGER", 0x02, b"\x2a"),
                ("BIT STRING", 0x03, b"\x00" + USER.encode()),
                ("NULL", 0x05, b""),
                ("constructed UTF8String", 0x2C, tlv(0x0C, USER.encode())),
            )
        ),
    ],
)
def test_any_other_subject_is_refused(subject: bytes) -> None:
    assert read(replace(VALID, subject=subject).der()) == [Reason.SUBJECT_MISMATCH]


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([], id="no attribute"),
        pytest.param([extension_request(NAMES, oid=MICROSOFT_EXTENSION_REQUEST)], id="Microsoft's attribute alone"),
        pytest.param(
            [extension_request(NAMES, oid=MICROSOFT_EXTENSION_REQUEST), EVIL],
            id="Microsoft's attribute with the own names before the one that Go reads",
        ),
        pytest.param([OWN, extension_request(NAMES, oid=MICROSOFT_EXTENSION_REQUEST)], id="Microsoft's attribute last"),
        pytest.param([OWN, EVIL], id="two extension requests"),
        pytest.param([OWN, OWN], id="the same extension request twice"),
        pytest.param([OWN, extension_request(CERTIFICATE_AUTHORITY)], id="another extension in a second request"),
        pytest.param([sequence(CHALLENGE_PASSWORD, set_of(tlv(0x13, b"x"))), OWN], id="a challenge password first"),
        pytest.param([OWN, sequence(CHALLENGE_PASSWORD, set_of(tlv(0x13, b"x")))], id="a challenge password last"),
        pytest.param(
            [sequence(EXTENSION_REQUEST, set_of(sequence(NAMES), sequence(NAMES)))], id="one request with two values"
        ),
        pytest.param([sequence(EXTENSION_REQUEST, set_of())], id="one request without value"),
        pytest.param([sequence(EXTENSION_REQUEST)], id="one request without set of values"),
        pytest.param([extension_request()], id="no extension"),
        pytest.param([extension_request(CERTIFICATE_AUTHORITY)], id="another extension alone"),
        pytest.param([extension_request(NAMES, CERTIFICATE_AUTHORITY)], id="a certificate authority as well"),
        pytest.param([extension_request(NAMES, EXTENDED_KEY_USAGE)], id="client authentication as well"),
        pytest.param([extension_request(NAMES, UNKNOWN_CRITICAL)], id="an unknown critical extension as well"),
        pytest.param([extension_request(NAMES, NAMES)], id="two subjectAltNames"),
        pytest.param(
            [extension_request(alternative_names(dns_name(NODE_NAME), critical=True))], id="a critical subjectAltName"
        ),
        pytest.param(
            [extension_request(sequence(SUBJECT_ALT_NAME, b"\x01\x01\x00", tlv(0x04, sequence(dns_name(NODE_NAME)))))],
            id="a subjectAltName that is not critical in so many words",
        ),
        pytest.param([extension_request(sequence(SUBJECT_ALT_NAME))], id="a subjectAltName without value"),
    ],
)
def test_any_other_attributes_are_refused(attributes: Sequence[bytes]) -> None:
    assert read(replace(VALID, attributes=attributes).der()) == [Reason.ATTRIBUTES_NOT_PERMITTED]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(name.encode(), id=f"the dNSName {name!r}")
        for name in ("", ".", "*", "a b", "a/b", "a@b", "a\0b", "a\nb", "a..b", ".a", "a_b", "10.0.0.1", "A" * 300)
    ],
)
def test_a_name_is_read_as_it_is_written(octets: bytes) -> None:
    """Which of them a node may have is not the reader's business."""
    assert read(with_names(dns_name(octets))) == (octets.decode(),)


@pytest.mark.parametrize("length", [0, 4, 5, 8, 16, 32], ids=lambda length: f"an iPAddress of {length} octets")
def test_an_address_is_read_as_its_octets(length: int) -> None:
    """So that 8 octets are not a network and 5 are no exception."""
    assert read(with_names(ip_name(b"\x0a" * length))) == (b"\x0a" * length,)


def test_an_empty_list_of_names_is_read_as_such() -> None:
    assert read(with_names()) == ()


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(with_names(dns_name(NODE_NAME), name), id=kind)
        for kind, name in (
            ("otherName", tlv(0xA0, bytes.fromhex("06032a0304"), tlv(0xA0, tlv(0x0C, b"x")))),
            ("rfc822Name", tlv(0x81, b"root@example.com")),
            ("x400Address", tlv(0xA3)),
            ("directoryName", tlv(0xA4, node_subject(USER))),
            ("ediPartyName", tlv(0xA5, tlv(0xA1, tlv(0x0C, b"x")))),
            ("URI", tlv(0x86, b"spiffe://example.com/x")),
            ("URI that no parser takes", tlv(0x86, b"http://[")),
            ("registeredID", tlv(0x88, b"\x2a\x03\x04")),
            ("tag 9", tlv(0x89, b"x")),
            ("tag 2 constructed", tlv(0xA2, tlv(0x16, b"x"))),
            ("universal IA5String", tlv(0x16, b"x")),
            ("dNSName in UTF-8", dns_name("é.internal".encode())),
            ("dNSName in Latin-1", dns_name("é.internal".encode("latin-1"))),
        )
    ]
    + [
        pytest.param(with_extension_value(sequence(dns_name(NODE_NAME)) + b"\x00"), id="octets after the names"),
        pytest.param(with_extension_value(b""), id="an empty extension"),
        pytest.param(with_extension_value(b"\x30\x80\x00\x00"), id="a list of indefinite length"),
        pytest.param(with_extension_value(tlv(0x31, dns_name(NODE_NAME))), id="a set of names"),
        pytest.param(with_extension_value(sequence(dns_name(NODE_NAME)[:-1])), id="a name that is cut short"),
    ],
)
def test_any_other_name_is_refused(der: bytes) -> None:
    assert read(der) == [Reason.SUBJECT_ALT_NAME_INVALID]


def test_every_objection_is_told() -> None:
    request = Pkcs10(node_subject("x", 0x16), [], signature=b"")
    assert read(request.der()) == [
        Reason.SUBJECT_MISMATCH,
        Reason.ATTRIBUTES_NOT_PERMITTED,
        Reason.SIGNATURE_INVALID,
    ]
