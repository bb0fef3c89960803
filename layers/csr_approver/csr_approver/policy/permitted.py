"""The names and addresses that EC2 gives an instance: what a request is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.instance import Instance, Interface
from csr_approver.policy.names import DnsName, IPAddress
from csr_approver.policy.settings import Interfaces, PolicySettings


@dataclass(frozen=True, slots=True)
class Permitted:
    """What may be asked for. A name that EC2 gives is proved by EC2; one of the operator's domains needs DNS too."""

    ec2_names: frozenset[DnsName]
    custom_names: frozenset[DnsName]
    names: frozenset[DnsName]
    """Both."""
    addresses: frozenset[IPAddress]


def permitted(instance: Instance, node_name: str, cluster: Cluster, settings: PolicySettings) -> Permitted:
    """Everything that this instance, as this node, may be called."""
    primary = instance.primary_interface
    names = {instance.private_dns_name}
    addresses = set(_own_addresses(primary, instance)) if primary else set()
    if instance.resource_name_resolves:
        names.add(DnsName(f"{instance.instance_id}.{cluster.instance_domain}"))
    if node_name == instance.instance_id:
        names.add(DnsName(instance.instance_id))
    if settings.public_addresses:
        names.add(instance.public_dns_name)
        for private in primary.private_addresses if primary else ():
            if private.primary:
                names.add(private.public_name)
                addresses |= private.public_addresses
    if settings.interfaces is Interfaces.ALL:
        for interface in instance.interfaces:
            if interface.attached and interface.vpc_id == cluster.vpc_id:
                addresses.update(_own_addresses(interface, instance))

    ec2_names = frozenset([name for name in names if name])
    custom_names = _custom_names(instance, settings)
    return Permitted(ec2_names, custom_names, ec2_names | custom_names, _undelegated(addresses, instance))


def _custom_names(instance: Instance, settings: PolicySettings) -> frozenset[DnsName]:
    """The names under the operator's own domains, with the labels that EC2 gives and no others."""
    if not settings.custom_domains:
        return frozenset()
    labels = {instance.instance_id}
    if instance.private_dns_name:
        labels.add(instance.private_dns_name.partition(".")[0])
    return frozenset(DnsName(f"{label}.{domain}") for label in labels for domain in settings.custom_domains)


def listed_addresses(instance: Instance) -> frozenset[IPAddress]:
    """Every address that EC2 lists for the instance: what its names may resolve to. Nothing in a delegated prefix."""
    addresses: set[IPAddress] = {address for address in (instance.public_address, instance.ipv6_address) if address}
    for interface in instance.interfaces:
        addresses.update([ipv6.address for ipv6 in interface.ipv6_addresses])
        for private in interface.private_addresses:
            addresses.add(private.address)
            addresses.update(private.public_addresses)
    return _undelegated(addresses, instance)


def _own_addresses(interface: Interface, instance: Instance) -> Iterator[IPAddress]:
    """The primary private IPv4, and the IPv6 address that is the only one, the primary one or the instance's."""
    for private in interface.private_addresses:
        if private.primary:
            yield private.address
    for ipv6 in interface.ipv6_addresses:
        if ipv6.primary or len(interface.ipv6_addresses) == 1 or ipv6.address == instance.ipv6_address:
            yield ipv6.address


def _undelegated(addresses: set[IPAddress], instance: Instance) -> frozenset[IPAddress]:
    for interface in instance.interfaces:
        for prefix in interface.prefixes:
            addresses = {address for address in addresses if address not in prefix}
    return frozenset(addresses)
