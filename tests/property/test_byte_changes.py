"""No change of a byte is approved, unless the request still says the same to a reader that is not ours.

The other reader is cryptography's, which policy.pkcs10 uses for keys and signatures only.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.policy.verdict import Approve
from tests.support.der import ECDSA_SHA256, dns_name, ecdsa_key, sequence, sign, tlv
from tests.support.der_tree import parsed, single_changes, written
from tests.support.offline import Offline
from tests.support.requests import NODE_NAME, pem, pkcs10, signing_request, spec_request

REQUEST = pkcs10(NODE_NAME, "10.0.1.23")
DER = REQUEST.der()
PEM = pem(DER)
SIGNED = REQUEST.to_be_signed()
DOCUMENT = signing_request(content=PEM)
OFFLINE = Offline()

Edit: TypeAlias = tuple[str, int, int]


class Said(NamedTuple):
    """What a request asks for."""

    subject: list[tuple[x509.ObjectIdentifier, str | bytes]]
    attributes: list[x509.ObjectIdentifier]
    key: bytes
    names: set[object]


def approved(content: bytes) -> bool:
    document = DOCUMENT | {"spec": DOCUMENT["spec"] | {"request": spec_request(content)}}
    return isinstance(OFFLINE.verdict(document), Approve)


def decoded(der: bytes) -> Said:
    """Subject, key and names as cryptography reads them; DNS names are compared without case and final dot."""
    csr = x509.load_der_x509_csr(der)
    (extension,) = csr.extensions
    assert isinstance(extension.value, x509.SubjectAlternativeName)
    names: set[object] = {name.lower().removesuffix(".") for name in extension.value.get_values_for_type(x509.DNSName)}
    addresses = set(extension.value.get_values_for_type(x509.IPAddress))
    assert {type(name) for name in extension.value} <= {x509.DNSName, x509.IPAddress}
    return Said(
        [(attribute.oid, attribute.value) for attribute in csr.subject],
        [attribute.oid for attribute in csr.attributes],
        csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        names | addresses,
    )


def says_no_more(der: bytes) -> bool:
    """Whether all is the same but for names and addresses that are left out."""
    said, whole = decoded(der), decoded(DER)
    return said == whole._replace(names=said.names) and said.names <= whole.names


def signed_again(info: bytes) -> bytes:
    """Whoever makes a request can sign whatever he likes."""
    return sequence(info, ECDSA_SHA256, tlv(0x03, b"\x00", sign(ecdsa_key(), info, REQUEST.digest)))


def edited(octets: bytes, edits: list[Edit]) -> bytes:
    result = bytearray(octets)
    for kind, position, value in edits:
        at = position % len(result)
        match kind:
            case "flip":
                result[at] ^= 1 << value % 8
            case "set":
                result[at] = value
            case "insert":
                result.insert(at, value)
            case "delete":
                del result[at]
            case "swap":
                result[at], result[at - 1] = result[at - 1], result[at]
    return bytes(result)


EDITS = st.lists(
    st.tuples(st.sampled_from(["flip", "set", "insert", "delete", "swap"]), st.integers(0, 2000), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def each_single_edit(octets: bytes) -> Iterator[bytes]:
    """Every bit flipped, every octet deleted, doubled and swapped with the one before."""
    for at in range(len(octets)):
        for bit in range(8):
            yield edited(octets, [("flip", at, bit)])
        yield edited(octets, [("delete", at, 0)])
        yield edited(octets, [("insert", at, octets[at])])
        yield edited(octets, [("insert", at, 0)])
        yield edited(octets, [("swap", at, 0)])


def test_the_request_that_is_changed_is_approved() -> None:
    assert approved(PEM)
    assert approved(pem(signed_again(SIGNED)))


def test_no_single_change_of_the_pem_is_approved() -> None:
    assert [changed for changed in each_single_edit(PEM) if changed != PEM and approved(changed)] == []


def test_no_single_change_of_the_der_is_approved() -> None:
    assert [changed for changed in each_single_edit(DER) if changed != DER and approved(pem(changed))] == []


def test_a_single_change_that_is_signed_is_approved_only_if_it_says_the_same() -> None:
    said = decoded(DER)
    ders = [signed_again(changed) for changed in each_single_edit(SIGNED) if changed != SIGNED]
    approvals = [der for der in ders if approved(pem(der))]
    # The letters of the DNS name in the other case: the only change of a bit that does not matter.
    assert len(approvals) == sum(letter.isalpha() for letter in NODE_NAME)
    assert all(decoded(der) == said for der in approvals)


@settings(max_examples=300)
@given(EDITS)
def test_no_changes_of_the_pem_are_approved(edits: list[Edit]) -> None:
    changed = edited(PEM, edits)
    assert changed == PEM or not approved(changed)


@settings(max_examples=300)
@given(EDITS)
def test_changes_of_the_der_are_approved_only_if_it_says_the_same(edits: list[Edit]) -> None:
    changed = edited(DER, edits)
    if approved(pem(changed)):
        assert decoded(changed) == decoded(DER)


@settings(max_examples=400)
@given(EDITS)
def test_changes_that_are_signed_are_approved_only_if_they_say_the_same(edits: list[Edit]) -> None:
    changed = signed_again(edited(SIGNED, edits))
    if approved(pem(changed)):
        assert decoded(changed) == decoded(DER)


@pytest.mark.parametrize("tag", range(256), ids=lambda tag: f"tag {tag:#04x}")
def test_no_name_of_another_type_is_approved(tag: int) -> None:
    """Though its content is the node's own name."""
    changed = SIGNED.replace(dns_name(NODE_NAME), tlv(tag, NODE_NAME.encode()))
    assert approved(pem(signed_again(changed))) is (tag == 0x82)


def test_a_single_change_of_the_structure_is_approved_only_if_it_says_no_more() -> None:
    """Each element left out, doubled, moved and given another type, with every length around it put right."""
    ders = [signed_again(written(changed)) for changed in single_changes(parsed(SIGNED))]
    approvals = [der for der in ders if approved(pem(der))]
    # UTF8String for PrintableString in O or CN, and name and address left out, doubled, or in the other order.
    assert len(approvals) == 7
    assert all(says_no_more(der) for der in approvals)


@settings(max_examples=120)
@given(st.data())
def test_changes_of_the_structure_are_approved_only_if_they_say_no_more(data: st.DataObject) -> None:
    changed = parsed(SIGNED)
    for _ in range(data.draw(st.integers(2, 3))):
        changed = data.draw(st.sampled_from(list(single_changes(changed)) or [changed]))
    der = signed_again(written(changed))
    if approved(pem(der)):
        assert says_no_more(der)
