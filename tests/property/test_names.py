"""Canonical names: one spelling each, and nothing that is not a plain host name."""

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.policy.names import canonical_address, canonical_dns_name, parse_address

NAMES = st.one_of(
    st.text(max_size=30),
    st.text("abcXYZ019-._*", max_size=30),
    st.from_regex(r"[A-Za-z0-9-]{1,64}(\.[A-Za-z0-9-]{1,64}){0,4}\.?", fullmatch=True),
    st.ip_addresses().map(str),
)


@settings(max_examples=200)
@given(NAMES)
def test_a_canonical_name_is_its_own_canonical_form(text: str) -> None:
    name = canonical_dns_name(text)
    assert name is None or canonical_dns_name(name) == name


@settings(max_examples=200)
@given(NAMES)
def test_a_canonical_name_is_a_plain_host_name(text: str) -> None:
    name = canonical_dns_name(text)
    if name is None:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert name == text.lower().removesuffix(".")
    assert len(name) <= 253
    assert all(1 <= len(label) <= 63 and label.strip("-") == label for label in name.split("."))
    assert parse_address(name) is None


@settings(max_examples=200)
@given(st.ip_addresses())
def test_an_address_is_its_octets_and_no_name(address: object) -> None:
    text = str(address)
    octets = ip_address(text).packed
    mapped = octets[:12] == bytes(10) + b"\xff\xff" and len(octets) == 16
    assert canonical_address(octets) == (None if mapped else address)
    assert canonical_dns_name(text) is None


@settings(max_examples=200)
@given(st.binary(max_size=33).filter(lambda octets: len(octets) not in (4, 16)))
def test_octets_of_another_number_are_no_address(octets: bytes) -> None:
    assert canonical_address(octets) is None
