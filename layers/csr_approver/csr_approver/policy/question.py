"""How to find the instance behind a request: never by a name or address that the request asks for."""

from dataclasses import dataclass
from typing import TypeAlias

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.identity import NodeIdentity
from csr_approver.policy.names import INSTANCE_ID, DnsName
from csr_approver.policy.settings import PolicySettings


@dataclass(frozen=True, slots=True)
class InstanceById:
    """The instance that the API server vouches for, or that the node is named after."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class InstanceByName:
    """The instance with one of these private DNS names: only for a node without instance binding."""

    private_dns_names: frozenset[DnsName]


InstanceQuestion: TypeAlias = InstanceById | InstanceByName


def instance_question(identity: NodeIdentity, cluster: Cluster, settings: PolicySettings) -> InstanceQuestion:
    """By the id that is vouched for, else by the node's own name."""
    if identity.session:
        return InstanceById(identity.session.instance_id)
    if INSTANCE_ID.fullmatch(identity.node_name):
        return InstanceById(identity.node_name)
    label, _, domain = identity.node_name.partition(".")
    names = {DnsName(identity.node_name)}
    if domain in settings.custom_domains:
        if INSTANCE_ID.fullmatch(label):
            return InstanceById(label)
        names.add(DnsName(f"{label}.{cluster.instance_domain}"))
    return InstanceByName(frozenset(names))
