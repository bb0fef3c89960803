"""An EC2 instance as DescribeInstances reports it, reduced to what the rules read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from csr_approver.policy.names import DnsName, IPAddress


@dataclass(frozen=True, slots=True)
class PrivateAddress:
    """One private IPv4 address, with the public and carrier addresses and the public name associated with it now."""

    address: IPv4Address
    primary: bool
    public_addresses: frozenset[IPv4Address]
    public_name: DnsName | None


@dataclass(frozen=True, slots=True)
class InterfaceIpv6:
    """One IPv6 address; `primary` is EC2's IsPrimaryIpv6."""

    address: IPv6Address
    primary: bool


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface. `prefixes` are delegated to it as a whole: pods live there."""

    device_index: int | None
    network_card_index: int
    attached: bool
    attached_at: datetime | None
    vpc_id: str | None
    private_addresses: tuple[PrivateAddress, ...]
    ipv6_addresses: tuple[InterfaceIpv6, ...]
    prefixes: tuple[IPv4Network | IPv6Network, ...]

    @property
    def is_primary(self) -> bool:
        """Device 0 on network card 0: the one that an instance starts with and keeps."""
        return self.device_index == 0 and self.network_card_index == 0


@dataclass(frozen=True, slots=True)
class Instance:
    """None: EC2 did not report it, or not in a form that can be read."""

    instance_id: str
    account_id: str | None
    state: str
    vpc_id: str | None
    private_dns_name: DnsName | None
    public_dns_name: DnsName | None
    resource_name_resolves: bool
    """Hostname type resource-name, or an A or AAAA record for the resource name is enabled."""
    public_address: IPAddress | None
    ipv6_address: IPv6Address | None
    profile_arn: str | None
    tags: Mapping[str, str]
    interfaces: tuple[Interface, ...]

    @property
    def primary_interface(self) -> Interface | None:
        """None while it is not listed."""
        return next((interface for interface in self.interfaces if interface.is_primary), None)

    @property
    def is_complete(self) -> bool:
        """Whether what the record lacks may be held against a request: EC2 fills it in step by step."""
        return self.state != "pending" and self.private_dns_name is not None and self.primary_interface is not None
