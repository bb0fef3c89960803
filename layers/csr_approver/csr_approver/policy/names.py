"""Canonical DNS names and addresses. Everything is compared by equality of what these functions return."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NewType, TypeAlias

DnsName = NewType("DnsName", str)
"""A lower-case LDH host name without trailing dot, at most 253 characters, that is not an IP literal."""

IPAddress: TypeAlias = IPv4Address | IPv6Address

INSTANCE_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
"""EC2's two instance id forms; use with fullmatch (aws-iam-authenticator accepts the same lengths)."""

_LABEL = r"(?!-)[a-z0-9-]{1,63}+(?<!-)"
# A name whose last label is a number is read as an IPv4 address by many clients (WHATWG URL, inet_aton).
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*+(?!(?:[0-9]+|0x[0-9a-f]*)\Z){_LABEL}")


def canonical_dns_name(text: str) -> DnsName | None:
    """Lower-case, drop one trailing dot, and require strict LDH labels (RFC 1123 2.1, RFC 1035 2.3.4).

    None for whatever is no host name: empty, over-long, wildcard, underscore, non-ASCII, IP literal.
    """
    # Only ASCII may be folded: str.lower would turn the Kelvin sign into a plain k.
    if not text.isascii():
        return None
    name = text.lower().removesuffix(".")
    return DnsName(name) if len(name) <= 253 and _HOST_NAME.fullmatch(name) else None


def is_node_name(text: str) -> bool:
    """A lower-case RFC 1123 host name, which is stricter than Kubernetes: no address in dotted-decimal form."""
    return canonical_dns_name(text) == text


def canonical_address(octets: bytes) -> IPAddress | None:
    """The address in an iPAddress of 4 or 16 octets (RFC 5280 4.2.1.6); None for any other form.

    An IPv4-mapped IPv6 address is refused, because Go and Python disagree on which address it is.
    """
    if len(octets) == 4:
        return IPv4Address(octets)
    if len(octets) != 16:
        return None
    address = IPv6Address(octets)
    return None if address.ipv4_mapped else address


def parse_address(text: object) -> IPAddress | None:
    """An address as EC2 prints it; None if there is none or it cannot be read."""
    try:
        return ip_address(text) if isinstance(text, str) else None
    except ValueError:
        return None
