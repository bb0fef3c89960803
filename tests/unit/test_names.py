"""What is a DNS name, a node name, an address and an instance id, and what only looks like one."""

from ipaddress import ip_address

import pytest

from csr_approver.policy.names import INSTANCE_ID, canonical_address, canonical_dns_name, is_node_name, parse_address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("ip-10-0-1-23.ec2.internal", "ip-10-0-1-23.ec2.internal", id="as EC2 gives it"),
        pytest.param("IP-10-0-1-23.EC2.Internal", "ip-10-0-1-23.ec2.internal", id="in capitals"),
        pytest.param("ip-10-0-1-23.ec2.internal.", "ip-10-0-1-23.ec2.internal", id="with a final dot"),
        pytest.param("i-0123456789abcdef0", "i-0123456789abcdef0", id="one label"),
        pytest.param("0a.example", "0a.example", id="a label that starts with a digit"),
        pytest.param("10.0.0.1.example", "10.0.0.1.example", id="digits before a domain"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="an internationalised name in ASCII"),
        pytest.param("a" * 63 + ".example", "a" * 63 + ".example", id="a label of 63 characters"),
        pytest.param(".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc", id="253 characters"),
    ],
)
def test_a_host_name_has_one_canonical_form(text: str, name: str) -> None:
    assert canonical_dns_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(".", id="the root"),
        pytest.param("a.example..", id="two final dots"),
        pytest.param(".example", id="a dot in front"),
        pytest.param("a..example", id="an empty label"),
        pytest.param("*.example", id="a wildcard"),
        pytest.param("a*.example", id="a wildcard in a label"),
        pytest.param("a_b.example", id="an underscore"),
        pytest.param("-a.example", id="a hyphen in front"),
        pytest.param("a-.example", id="a hyphen at the end"),
        pytest.param("a b.example", id="a space"),
        pytest.param(" a.example", id="a space in front"),
        pytest.param("a.example\n", id="a line break at the end"),
        pytest.param("a\0.example", id="a NUL"),
        pytest.param("a/b.example", id="a slash"),
        pytest.param("root@example.com", id="an e-mail address"),
        pytest.param("https://a.example", id="a URL"),
        pytest.param("a.example:443", id="a port"),
        pytest.param("bücher.example", id="a letter beyond ASCII"),
        pytest.param("\u212aubernetes.example", id="the Kelvin sign, which lower-cases to a plain k"),
        pytest.param("a\u3002example", id="an ideographic full stop"),
        pytest.param("\uff41.example", id="a full-width letter"),
        pytest.param("a\u200b.example", id="a zero-width space"),
        pytest.param("a" * 64 + ".example", id="a label of 64 characters"),
        pytest.param(".".join(["a" * 49] * 5) + ".abcd", id="254 characters"),
        pytest.param("10.0.1.23", id="an IPv4 address"),
        pytest.param("10.0.1.23.", id="an IPv4 address with a final dot"),
        pytest.param("010.0.0.1", id="an IPv4 address in octal"),
        pytest.param("0x0a000117", id="an IPv4 address in hexadecimal"),
        pytest.param("10.0.0.0x17", id="an IPv4 address that ends in hexadecimal"),
        pytest.param("167772439", id="an IPv4 address as one number"),
        pytest.param("1.2.3", id="an IPv4 address that is cut short"),
        pytest.param("a.example.123", id="a number as the last label"),
        pytest.param("0x", id="an empty hexadecimal number"),
        pytest.param("::1", id="an IPv6 address"),
        pytest.param("[2600::1]", id="an IPv6 address in brackets"),
    ],
)
def test_whatever_else_is_no_host_name(text: str) -> None:
    assert canonical_dns_name(text) is None
    assert not is_node_name(text)


@pytest.mark.parametrize("text", ["Node.example", "node.example."], ids=["capitals", "a final dot"])
def test_a_node_name_is_canonical_already(text: str) -> None:
    assert canonical_dns_name(text) == "node.example"
    assert not is_node_name(text)
    assert is_node_name("node.example")


@pytest.mark.parametrize("text", ["10.0.1.23", "2600:1f14:aa:bb00::17", "::1", "0.0.0.0", "64:ff9b::a00:1"])
def test_four_or_sixteen_octets_are_an_address(text: str) -> None:
    assert canonical_address(ip_address(text).packed) == ip_address(text)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="no octets"),
        pytest.param(b"\x0a\x00\x01\x17\x00", id="5 octets"),
        pytest.param(b"\x0a\x00\x00\x00\xff\x00\x00\x00", id="8 octets, which are a network"),
        pytest.param(bytes(32), id="32 octets, which are a network"),
        pytest.param(ip_address("::ffff:10.0.1.23").packed, id="an IPv4 address in an IPv6 one"),
    ],
)
def test_other_octets_are_no_address(octets: bytes) -> None:
    assert canonical_address(octets) is None


@pytest.mark.parametrize("text", [None, "", "10.0.1", "10.0.1.23/32", "10.0.1.023", "x", "10.0.1.23 "])
def test_what_ec2_would_not_print_is_no_address(text: str | None) -> None:
    assert parse_address(text) is None
    assert parse_address("10.0.1.23") == ip_address("10.0.1.23")


@pytest.mark.parametrize("text", ["i-01234567", "i-0123456789abcdef0"])
def test_an_instance_id_has_8_or_17_digits(text: str) -> None:
    assert INSTANCE_ID.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i-",
        "i-0123456",
        "i-012345678",
        "i-0123456789ABCDEF0",
        "mi-0123456789abcdef0",
        "i-0123456789abcdef0\n",
        "i-*",
    ],
    ids=repr,
)
def test_whatever_else_is_no_instance_id(text: str) -> None:
    assert not INSTANCE_ID.fullmatch(text)
