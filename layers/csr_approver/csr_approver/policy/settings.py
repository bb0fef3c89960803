"""The settings that a verdict depends on. How they are spelt and parsed is csr_approver.settings' business."""

from dataclasses import dataclass
from enum import StrEnum

from csr_approver.policy.names import DnsName
from csr_approver.policy.role import Role


class Mode(StrEnum):
    """Whether decisions are written to the cluster."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class InstanceBinding(StrEnum):
    """Whether the API server's word for the instance (spec.extra.sessionName) must be there."""

    REQUIRE = "require"
    PREFER = "prefer"


class RoleCheck(StrEnum):
    """How far the node's role is followed into IAM."""

    REQUIRE = "require"
    PROFILE = "profile"
    OFF = "off"


class Interfaces(StrEnum):
    """Whose primary addresses are the node's."""

    PRIMARY = "primary"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """DESIGN section 4, as values. `node_roles` empty: any role that the cluster maps."""

    mode: Mode = Mode.ENFORCE
    instance_binding: InstanceBinding = InstanceBinding.REQUIRE
    node_roles: frozenset[Role] = frozenset()
    role_check: RoleCheck = RoleCheck.REQUIRE
    cluster_membership: bool = True
    dns_check: bool = True
    custom_domains: frozenset[DnsName] = frozenset()
    public_addresses: bool = True
    interfaces: Interfaces = Interfaces.PRIMARY
    max_expiration_seconds: int = 31_622_400
