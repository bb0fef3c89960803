"""A node role that the cluster maps to the wrong user, and the command that mends it.

What the API server knows of a kubelet is what its IAM role is mapped to: by an access entry, else by aws-auth. A wrong
mapping shows in the request: its user is no node, or another one, while the subject is the node's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from csr_approver.cli.find import node_asked_for
from csr_approver.policy.names import INSTANCE_ID
from csr_approver.policy.observation import Observation, Seen, Unavailable
from csr_approver.policy.request import ARN, KUBELET_SERVING, NODE_USER_PREFIX, SigningRequest
from csr_approver.policy.role import Role, RoleSession, parse_role_arn, parse_session_arn
from csr_approver.policy.verdict import shown

NODE_GROUPS = ("system:bootstrappers", "system:nodes")
"""What a node's item in aws-auth gives; access entries of a node type give it by themselves."""

_TYPES_BY_DNS_NAME = ("EC2_LINUX", "EC2_WINDOWS")
_TYPE_BY_ID = "EC2"
_USERNAMES = {
    "EC2_LINUX": f"{NODE_USER_PREFIX}{{{{EC2PrivateDNSName}}}}",
    _TYPE_BY_ID: f"{NODE_USER_PREFIX}{{{{SessionName}}}}",
}
_EDIT = "kubectl -n kube-system edit configmap aws-auth"


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One access entry (eks:DescribeAccessEntry). `kind` is its type: STANDARD, EC2_LINUX, EC2, ..."""

    principal_arn: str
    kind: str
    username: str


@dataclass(frozen=True, slots=True)
class MappedRole:
    """One item of mapRoles in aws-auth."""

    role_arn: str
    username: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mappings:
    """How a cluster maps IAM roles, as far as it is known.

    `authentication_mode` is EKS's: CONFIG_MAP, API_AND_CONFIG_MAP or API. `role_arn` is IAM's ARN of the role in
    question, with the path that neither STS nor the request tell.
    """

    entries: Observation[Sequence[AccessEntry]]
    mapped_roles: Observation[Sequence[MappedRole]]
    authentication_mode: str | None = None
    role_arn: str | None = None


UNKNOWN = Mappings(Unavailable("was not asked"), Unavailable("was not asked"))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, and what to type: commands of a shell in their order, each perhaps with lines to go with it."""

    text: str
    commands: tuple[str, ...] = ()


def requesting_session(request: SigningRequest) -> RoleSession | None:
    """The role and session that asked, by the authenticator's word or by a user name that is an ARN."""
    arns = request.extra.get(ARN) or ()
    return parse_session_arn(arns[0] if len(arns) == 1 else request.username or "")


def diagnose(request: SigningRequest, mappings: Mappings, cluster: str) -> Diagnosis | None:
    """None: there is nothing wrong with the mapping, as far as a kubelet-serving request tells."""
    if request.signer_name != KUBELET_SERVING:
        return None
    session, asked_for = requesting_session(request), node_asked_for(request)
    if request.node_name is None:
        return _not_a_node(request, session, asked_for, mappings, cluster)
    if session is None or not INSTANCE_ID.fullmatch(session.name):
        return None
    groups = request.groups or ()
    if "system:masters" in groups or "system:nodes" not in groups:
        text = f"role {session.role.name} is mapped to a node's user, but to the groups {shown(', '.join(groups))}"
        return _mended(text, session.role, _kind(asked_for or request.node_name), mappings, cluster)
    if asked_for and asked_for != request.node_name and session.name in {asked_for, request.node_name}:
        # One of the two names is the instance's id, so that both can be its own.
        text = (
            f"role {session.role.name} is mapped to {shown(request.username)}, while the kubelet calls its node"
            f" {shown(asked_for)}"
        )
        return _mended(text, session.role, _kind(asked_for), mappings, cluster)
    return None


def _not_a_node(
    request: SigningRequest, session: RoleSession | None, asked_for: str | None, mappings: Mappings, cluster: str
) -> Diagnosis | None:
    user = shown(request.username or "nobody")
    if session and INSTANCE_ID.fullmatch(session.name):
        text = f"the kubelet of {session.name} came as {user}: role {session.role.name} is not mapped to a node's user"
        return _mended(text, session.role, _kind(asked_for or ""), mappings, cluster)
    if asked_for is None:
        return None
    who = f", session {shown(session.name)} of role {session.role.name}," if session else ""
    return Diagnosis(
        f"{user}{who} is no EC2 instance, and asks for the certificate of node {shown(asked_for)}: no kubelet made"
        " this, and no mapping is to be changed for it. Find out who did"
    )


def _kind(node_name: str) -> str:
    """The type of access entry under which a node has this name."""
    return _TYPE_BY_ID if INSTANCE_ID.fullmatch(node_name) else _TYPES_BY_DNS_NAME[0]


def _mended(text: str, role: Role, kind: str, mappings: Mappings, cluster: str) -> Diagnosis:
    entries = mappings.entries.value if isinstance(mappings.entries, Seen) else ()
    entry = next((each for each in entries if parse_role_arn(each.principal_arn) == role), None)
    if entry:
        return _mended_entry(text, entry, role, kind, cluster)
    items = _items(role, mappings)
    if len(items) > 1:
        text += f". aws-auth maps it {len(items)} times: to {', '.join(shown(item.username) for item in items)}"
    elif items:
        text += (
            f". aws-auth maps it to {shown(items[0].username)}, groups {shown(', '.join(items[0].groups)) or 'none'}"
        )
    if mappings.authentication_mode == "CONFIG_MAP":
        return Diagnosis(f"{text}. There must be this one item for it in mapRoles", (_edit(role, kind),))
    arn, caveat = _principal(role, mappings)
    if kind in _TYPES_BY_DNS_NAME:
        caveat += ". Nodes with Windows take type EC2_WINDOWS"
    if not items and not isinstance(mappings.entries, Seen):
        caveat += (
            ". If it has an access entry of another type, delete that first: a type cannot be changed. A cluster"
            " without access entries (authentication mode CONFIG_MAP) takes the item in aws-auth instead"
        )
        return Diagnosis(f"{text}{caveat}", (*_create(arn, role, kind, cluster), _edit(role, kind)))
    counts = ". An access entry counts more than aws-auth" if items else ", and has no access entry"
    return Diagnosis(f"{text}{counts}{caveat}", _create(arn, role, kind, cluster))


def _items(role: Role, mappings: Mappings) -> list[MappedRole]:
    """What aws-auth says of the role, where that counts at all."""
    if mappings.authentication_mode == "API" or not isinstance(mappings.mapped_roles, Seen):
        return []
    return [item for item in mappings.mapped_roles.value if parse_role_arn(item.role_arn) == role]


def _mended_entry(text: str, entry: AccessEntry, role: Role, kind: str, cluster: str) -> Diagnosis:
    if entry.kind == kind or {entry.kind, kind} <= set(_TYPES_BY_DNS_NAME):
        return Diagnosis(
            f"{text}. Its access entry is of type {entry.kind}, which is right: if that is new, the kubelet's next"
            " request comes as the node"
        )
    named = f"--cluster-name {quote(cluster)} --principal-arn {quote(entry.principal_arn)}"
    delete = f"aws eks delete-access-entry {named}"
    return Diagnosis(
        f"{text}. Its access entry is of type {entry.kind}; a type cannot be changed, so it takes a new one",
        (delete, *_create(entry.principal_arn, role, kind, cluster)),
    )


def _principal(role: Role, mappings: Mappings) -> tuple[str, str]:
    """The role's ARN, and what is to be said of it."""
    if mappings.role_arn:
        return mappings.role_arn, ""
    arn = f"arn:{role.partition}:iam::{role.account_id}:role/{role.name}"
    return arn, ". If the role has a path, put it into the ARN: the request does not tell"


def _create(arn: str, role: Role, kind: str, cluster: str) -> tuple[str, ...]:
    entry = f"--cluster-name {quote(cluster)} --principal-arn {quote(arn)}"
    create = f"aws eks create-access-entry {entry} --type {kind}"
    if kind != _TYPE_BY_ID:
        return (create,)
    # EKS user guide, Auto Mode, "Create a node class": type EC2 gives no permissions by itself.
    policy = f"arn:{role.partition}:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"
    return create, f"aws eks associate-access-policy {entry} --policy-arn {policy} --access-scope type=cluster"


def _edit(role: Role, kind: str) -> str:
    """aws-auth matches ARNs without path (EKS user guide, aws-auth)."""
    return "\n".join(
        (
            _EDIT,
            f"- rolearn: arn:{role.partition}:iam::{role.account_id}:role/{role.name}",
            f"  username: {_USERNAMES[kind]}",
            f"  groups: [{', '.join(NODE_GROUPS)}]",
        )
    )
