"""One request has one encoding: DER with nothing left out, added or written at greater length."""

import pytest

from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from tests.support.der import (
    COMMON_NAME,
    ECDSA_SHA256,
    ORGANIZATION,
    attribute_value,
    ecdsa_key,
    public_key_info,
    sequence,
    set_of,
    sign,
    tlv,
)
from tests.support.requests import NODE_NAME, pem, pkcs10, spec_request

VALID = pkcs10(NODE_NAME)
O_SET = set_of(attribute_value(ORGANIZATION, "system:nodes"))
CN_SET = set_of(attribute_value(COMMON_NAME, f"system:node:{NODE_NAME}"))
VERSION, SUBJECT, KEY, ATTRIBUTES = b"\x02\x01\x00", VALID.subject, public_key_info(VALID.key), VALID.attributes[0]


def signed(info: bytes, after: bytes = b"") -> bytes:
    """A request for these octets, with a good signature."""
    return sequence(info, ECDSA_SHA256, tlv(0x03, b"\x00", sign(ecdsa_key(), info, VALID.digest)), after)


def long_form(element: bytes) -> bytes:
    """The same element with one octet of length more than it needs."""
    content = element[2:] if element[1] < 0x80 else element[2 + (element[1] & 0x7F) :]
    octets = len(content).to_bytes(3, "big")
    return bytes((element[0], 0x83)) + octets + content


def indefinite(element: bytes) -> bytes:
    """The same element in BER, ended by two zeros."""
    return element[:1] + b"\x80" + element[4 if element[1] == 0x82 else 3 if element[1] == 0x81 else 2 :] + b"\x00\x00"


def info(version: bytes = VERSION, subject: bytes = SUBJECT, key: bytes = KEY, attributes: bytes = ATTRIBUTES) -> bytes:
    return sequence(version, subject, key, tlv(0xA0, attributes))


def read(der: bytes) -> object:
    result = read_certificate_request(spec_request(pem(der)))
    if isinstance(result, CertificateRequest):
        return result.alternative_names
    return [finding.reason for finding in result]


def test_the_request_that_every_row_changes_is_read() -> None:
    assert info() == VALID.to_be_signed()
    assert read(signed(info())) == (NODE_NAME,)


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(signed(info(version=b"\x02\x01\x01")), id="version 1"),
        pytest.param(signed(info(version=b"\x02\x01\x02")), id="version 2"),
        pytest.param(signed(info(version=b"\x02\x01\xff")), id="version -1"),
        pytest.param(signed(info(version=b"\x02\x02\x00\x00")), id="version 0 in two octets"),
        pytest.param(signed(info(version=b"\x02\x00")), id="version in no octet"),
        pytest.param(signed(info(version=b"\x0a\x01\x00")), id="an enumerated version"),
        pytest.param(signed(info(version=b"")), id="no version"),
        pytest.param(signed(sequence(VERSION, SUBJECT, KEY)), id="no attributes field"),
        pytest.param(signed(sequence(VERSION, SUBJECT, KEY, set_of(ATTRIBUTES))), id="attributes without their tag"),
        pytest.param(signed(sequence(VERSION, SUBJECT, KEY, tlv(0xA0, ATTRIBUTES), tlv(0xA0))), id="attributes twice"),
        pytest.param(signed(sequence(SUBJECT, VERSION, KEY, tlv(0xA0, ATTRIBUTES))), id="another order"),
        pytest.param(signed(info(), b"\x05\x00"), id="an element after the signature"),
        pytest.param(signed(info()) + b"\x00", id="an octet after the request"),
        pytest.param(signed(info()) + signed(info()), id="a second request after the request"),
        pytest.param(signed(info())[:-1], id="a request that is cut short"),
        pytest.param(sequence(info(), ECDSA_SHA256), id="no signature"),
        pytest.param(sequence(info()), id="neither algorithm nor signature"),
        pytest.param(long_form(signed(info())), id="a length with a zero in front"),
        pytest.param(indefinite(signed(info())), id="a request of indefinite length"),
        pytest.param(signed(long_form(info())), id="a signed part whose length has a zero in front"),
        pytest.param(signed(indefinite(info())), id="a signed part of indefinite length"),
        pytest.param(signed(info(subject=long_form(SUBJECT))), id="a subject whose length has a zero in front"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="a length beyond the end"),
        pytest.param(b"\x30\xff" + b"\xff" * 127, id="a length of 127 octets"),
        pytest.param(b"\x30", id="a tag alone"),
        pytest.param(b"\x30\x00", id="an empty sequence"),
        pytest.param(b"\x30\x82" * 2000, id="a thousand sequences in each other"),
        pytest.param(b"\x1f\x81\x01\x00", id="a tag of several octets"),
    ],
)
def test_another_encoding_is_refused(der: bytes) -> None:
    assert read(der) == [Reason.REQUEST_MALFORMED]


ALGORITHM, POINT = KEY[2:23], KEY[23:]  # of a P-256 key


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        pytest.param(signed(info(subject=sequence(O_SET, long_form(CN_SET)))), Reason.SUBJECT_MISMATCH, id="an RDN"),
        pytest.param(
            signed(info(attributes=long_form(ATTRIBUTES))), Reason.ATTRIBUTES_NOT_PERMITTED, id="an attribute"
        ),
        pytest.param(signed(info(key=long_form(KEY))), Reason.REQUEST_MALFORMED, id="the key"),
        pytest.param(
            signed(info(key=sequence(long_form(ALGORITHM), POINT))), Reason.KEY_NOT_PERMITTED, id="the key's algorithm"
        ),
    ],
)
def test_a_length_with_a_zero_in_front_is_refused_wherever_it_is(der: bytes, reason: Reason) -> None:
    assert read(der) == [reason]
