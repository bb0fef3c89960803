"""Network interfaces as DescribeInstances prints them, and changes of an instance that has them."""

import copy
from collections.abc import Sequence
from typing import Any

from tests.support.fleet import Change, instance_document
from tests.support.requests import INSTANCE_ID


def interface(
    address: str,
    *,
    device: int = 0,
    card: int = 0,
    secondary: Sequence[str] = (),
    public: str | None = None,
    carrier: str | None = None,
    public_name: str | None = None,
    ipv6: Sequence[str] = (),
    primary_ipv6: str | None = None,
    ipv4_prefix: str | None = None,
    ipv6_prefix: str | None = None,
    status: str = "attached",
    vpc_id: str | None = None,
) -> dict[str, Any]:
    """The default instance's interface with these addresses; `public` is associated with the primary one."""
    document: dict[str, Any] = copy.deepcopy(instance_document(INSTANCE_ID)["NetworkInterfaces"][0])
    association = {"PublicIp": public, "CarrierIp": carrier, "PublicDnsName": public_name}
    primary = {"PrivateIpAddress": address, "Primary": True}
    if any(association.values()):
        primary["Association"] = {key: value for key, value in association.items() if value}
    document |= {
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [primary, *({"PrivateIpAddress": each, "Primary": False} for each in secondary)],
        "Ipv6Addresses": [{"Ipv6Address": each, "IsPrimaryIpv6": each == primary_ipv6} for each in ipv6],
        "Ipv4Prefixes": [{"Ipv4Prefix": ipv4_prefix}] if ipv4_prefix else [],
        "Ipv6Prefixes": [{"Ipv6Prefix": ipv6_prefix}] if ipv6_prefix else [],
        "VpcId": vpc_id or document["VpcId"],
    }
    document["Attachment"] |= {"DeviceIndex": device, "NetworkCardIndex": card, "Status": status}
    return document


def with_interfaces(*interfaces: dict[str, Any], **fields: Any) -> Change:
    """An instance with these interfaces, and other fields replaced."""
    return lambda instance: instance.update(NetworkInterfaces=list(interfaces), **fields)
