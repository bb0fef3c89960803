"""What a verdict may rest on, and the questions that fetch it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from csr_approver.policy.instance import Instance
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Observation
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.role import Role, TrustPolicy


@dataclass(frozen=True, slots=True)
class NeedProfileRole:
    """Which role does this instance profile hold? (iam:GetInstanceProfile)"""

    profile_arn: str


@dataclass(frozen=True, slots=True)
class NeedTrustPolicy:
    """Who may assume this role? (iam:GetRole)"""

    role: Role


@dataclass(frozen=True, slots=True)
class NeedResolutions:
    """What do these names resolve to? (A and AAAA)"""

    names: frozenset[DnsName]


Need: TypeAlias = NeedProfileRole | NeedTrustPolicy | NeedResolutions


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known so far; None: not asked yet. `instances` are the answers to one InstanceQuestion."""

    instances: Observation[tuple[Instance, ...]]
    profile_role: Observation[Role] | None = None
    trust_policy: Observation[TrustPolicy] | None = None
    resolutions: Mapping[DnsName, Resolution] | None = None
