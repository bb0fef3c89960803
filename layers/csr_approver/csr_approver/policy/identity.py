"""Who asks: the node and its instance, from what the API server itself wrote into the request (DESIGN 2.2).

On EKS the authenticator puts the STS caller into spec.extra: arn, canonicalArn and sessionName, which for an EC2
instance role is the instance id (aws-iam-authenticator, pkg/server). No name or address in the request counts here.
"""

from dataclasses import dataclass

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.names import INSTANCE_ID, is_node_name
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import ARN, CANONICAL_ARN, SESSION_NAME, SigningRequest
from csr_approver.policy.role import Role, parse_role_arn, parse_session_arn, session_arn
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Finding, shown

_NODE_GROUPS = ("system:authenticated", "system:nodes")


@dataclass(frozen=True, slots=True)
class InstanceSession:
    """The instance that the authenticator vouches for, and the role it came with."""

    instance_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """`session` is None only for a node without instance binding, which instance-binding=prefer lets in."""

    node_name: str
    session: InstanceSession | None


def session_values(request: SigningRequest, key: str) -> tuple[str, ...] | None:
    """The values of an extra key; empty if it is absent, None if it is not a list of strings."""
    return request.extra.get(key, ())


def identify(request: SigningRequest, cluster: Cluster, settings: PolicySettings) -> NodeIdentity | tuple[Finding, ...]:
    """The identity, or every objection to it."""
    findings = _name_and_groups(request)
    session = None
    if session_values(request, SESSION_NAME) != ():
        found = _session(request, cluster)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            session = found
            if settings.node_roles and session.role not in settings.node_roles:
                findings.append(
                    Finding(
                        Reason.ROLE_NOT_PERMITTED,
                        f"spec.extra.{ARN}",
                        f"role {session.role.name} may not back a node",
                    )
                )
    return tuple(findings) or NodeIdentity(request.node_name or "", session)


def _name_and_groups(request: SigningRequest) -> list[Finding]:
    findings = []
    if not is_node_name(request.node_name or ""):
        findings.append(
            Finding(
                Reason.NODE_NAME_INVALID,
                "spec.username",
                f"{shown(request.node_name)} is not a lower-case RFC 1123 name",
            )
        )
    groups = request.groups or ()
    if missing := [group for group in _NODE_GROUPS if group not in groups]:
        findings.append(Finding(Reason.GROUPS_NOT_OF_A_NODE, "spec.groups", f"lack {', '.join(missing)}"))
    if "system:masters" in groups:
        findings.append(Finding(Reason.GROUPS_NOT_OF_A_NODE, "spec.groups", "hold system:masters, which no node has"))
    return findings


def _session(request: SigningRequest, cluster: Cluster) -> InstanceSession | Finding:
    """The three keys must tell one story: same partition, account, role and session, in the cluster's partition."""
    values: list[str] = []
    for key in (ARN, CANONICAL_ARN, SESSION_NAME):
        single = request.extra.get(key)
        if single is None or len(single) != 1:
            return _inconsistent(key, "must have exactly one value")
        values += single
    arn, canonical_arn, instance_id = values
    role = parse_role_arn(canonical_arn)
    if not INSTANCE_ID.fullmatch(instance_id):
        return _inconsistent(SESSION_NAME, f"{shown(instance_id)} is no EC2 instance id")
    if role is None or arn != session_arn(role, instance_id):
        return _why_inconsistent(arn, canonical_arn, role, instance_id)
    if role.partition != cluster.partition:
        return _inconsistent(ARN, f"is of partition {role.partition}, the cluster of {cluster.partition}")
    return InstanceSession(instance_id, role)


def _why_inconsistent(arn: str, canonical_arn: str, role: Role | None, instance_id: str) -> Finding:
    caller = parse_session_arn(arn)
    if caller is None:
        return _inconsistent(ARN, f"{shown(arn)} is no assumed-role ARN")
    if role is None:
        return _inconsistent(CANONICAL_ARN, f"{shown(canonical_arn)} is no role ARN")
    if caller.name != instance_id:
        return _inconsistent(ARN, f"is a session named {shown(caller.name)}, {SESSION_NAME} says {instance_id}")
    return _inconsistent(CANONICAL_ARN, f"names another role than {ARN}, which says {caller.role.name}")


def _inconsistent(key: str, detail: str) -> Finding:
    return Finding(Reason.SESSION_INCONSISTENT, f"spec.extra.{key}", detail)
