"""EC2's own form of an instance (DescribeInstances, API or AWS CLI) read into the policy's."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from csr_approver.policy.instance import Instance, Interface, InterfaceIpv6, PrivateAddress
from csr_approver.policy.names import DnsName, canonical_dns_name, parse_address
from csr_approver.policy.times import parse_time


def read_reservations(reservations: object) -> Iterator[Instance]:
    """Every instance under `Reservations`, whose OwnerId is the account. What has no id or state is left out."""
    for reservation in _items(reservations):
        for document in _items(reservation.get("Instances")):
            state = _mapping(document.get("State")).get("Name")
            if isinstance(document.get("InstanceId"), str) and isinstance(state, str):
                yield _instance(document, state, _text(reservation.get("OwnerId")))


def _instance(document: Mapping[str, Any], state: str, owner_id: object) -> Instance:
    options = _mapping(document.get("PrivateDnsNameOptions"))
    ipv6_address = parse_address(document.get("Ipv6Address"))
    return Instance(
        instance_id=document["InstanceId"],
        account_id=_text(owner_id),
        state=state,
        vpc_id=_text(document.get("VpcId")),
        private_dns_name=_name(document.get("PrivateDnsName")),
        public_dns_name=_name(document.get("PublicDnsName")),
        resource_name_resolves=(
            options.get("HostnameType") == "resource-name"
            or options.get("EnableResourceNameDnsARecord") is True
            or options.get("EnableResourceNameDnsAAAARecord") is True
        ),
        public_address=parse_address(document.get("PublicIpAddress")),
        ipv6_address=ipv6_address if isinstance(ipv6_address, IPv6Address) else None,
        profile_arn=_text(_mapping(document.get("IamInstanceProfile")).get("Arn")),
        tags={
            key: _text(tag.get("Value")) or "" for tag in _items(document.get("Tags")) if (key := _text(tag.get("Key")))
        },
        interfaces=tuple(_interface(interface) for interface in _items(document.get("NetworkInterfaces"))),
    )


def _interface(document: Mapping[str, Any]) -> Interface:
    attachment = _mapping(document.get("Attachment"))
    return Interface(
        device_index=attachment.get("DeviceIndex"),
        network_card_index=attachment.get("NetworkCardIndex") or 0,
        attached=attachment.get("Status") == "attached",
        attached_at=parse_time(attachment.get("AttachTime")),
        vpc_id=document.get("VpcId"),
        private_addresses=tuple(_private_addresses(document)),
        ipv6_addresses=tuple(
            InterfaceIpv6(address, primary=ipv6.get("IsPrimaryIpv6") is True)
            for ipv6 in _items(document.get("Ipv6Addresses"))
            if isinstance(address := parse_address(ipv6.get("Ipv6Address")), IPv6Address)
        ),
        prefixes=tuple(_prefixes(document)),
    )


def _private_addresses(document: Mapping[str, Any]) -> Iterator[PrivateAddress]:
    for private in _items(document.get("PrivateIpAddresses")):
        address = parse_address(private.get("PrivateIpAddress"))
        if not isinstance(address, IPv4Address):
            continue
        association = _mapping(private.get("Association"))
        public = (parse_address(association.get(key)) for key in ("PublicIp", "CarrierIp"))
        yield PrivateAddress(
            address,
            primary=private.get("Primary") is True,
            public_addresses=frozenset(ip for ip in public if isinstance(ip, IPv4Address)),
            public_name=_name(association.get("PublicDnsName")),
        )


def _prefixes(document: Mapping[str, Any]) -> Iterator[IPv4Network | IPv6Network]:
    for key, field in (("Ipv4Prefixes", "Ipv4Prefix"), ("Ipv6Prefixes", "Ipv6Prefix")):
        for prefix in _items(document.get(key)):
            with suppress(ValueError):
                yield ip_network(_text(prefix.get(field)) or "")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(value: object) -> DnsName | None:
    """None also for what is no host name, as a DHCP option with two domains makes it: it is as if absent."""
    return canonical_dns_name(value) if isinstance(value, str) else None
