"""The rules that IAM decides: the instance holds the role that asked, and nobody else could have."""

from collections.abc import Iterator

from csr_approver.policy.evidence import Evidence, NeedProfileRole, NeedTrustPolicy
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.reason import Reason
from csr_approver.policy.role import Role
from csr_approver.policy.settings import PolicySettings, RoleCheck
from csr_approver.policy.verdict import Finding


def check_role(
    candidate: Candidate, instance: Instance, evidence: Evidence, settings: PolicySettings
) -> Iterator[Finding | NeedProfileRole | NeedTrustPolicy]:
    """Findings, or the next thing to ask IAM."""
    session = candidate.identity.session
    if session and settings.role_check is RoleCheck.OFF:
        return
    if session is None and not settings.node_roles:
        return
    if instance.profile_arn is None:
        yield Finding(Reason.INSTANCE_PROFILE_MISSING, instance.instance_id, "has no instance profile")
        return
    if settings.role_check is RoleCheck.OFF:
        detail = "is not followed to its role, because IAM may not be asked"
        yield Finding(Reason.INSTANCE_PROFILE_UNREADABLE, instance.profile_arn, detail)
        return
    match evidence.profile_role:
        case None:
            yield NeedProfileRole(instance.profile_arn)
        case Absent(detail) | Unavailable(detail):
            yield Finding(Reason.INSTANCE_PROFILE_UNREADABLE, instance.profile_arn, detail)
        case Seen(role) if session is None:
            if role not in settings.node_roles:
                detail = f"has role {role.name}, which may not back a node"
                yield Finding(Reason.INSTANCE_ROLE_NOT_PERMITTED, instance.instance_id, detail)
        case Seen(role) if role != session.role:
            detail = f"has role {role.name}, the requester came with {session.role.name}"
            yield Finding(Reason.ROLE_NOT_OF_INSTANCE, instance.instance_id, detail)
        case Seen(role) if settings.role_check is RoleCheck.REQUIRE:
            yield from _check_trust(role, evidence)


def _check_trust(role: Role, evidence: Evidence) -> Iterator[Finding | NeedTrustPolicy]:
    match evidence.trust_policy:
        case None:
            yield NeedTrustPolicy(role)
        case Absent(detail) | Unavailable(detail):
            yield Finding(Reason.TRUST_POLICY_UNREADABLE, role.name, detail)
        case Seen(policy):
            if policy.others:
                detail = f"may be assumed by {policy.others}, who could name a session after any instance"
                yield Finding(Reason.ROLE_ASSUMABLE_BY_OTHERS, role.name, detail)
