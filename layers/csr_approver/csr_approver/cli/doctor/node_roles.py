"""Section "node roles": whose kubelets' requests are ours, and who else could come as one of them."""

from collections.abc import Iterator

from csr_approver.cli.advice import ADVICE
from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, unknown, wrong
from csr_approver.evidence.roles import IamRoles
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.reason import Reason
from csr_approver.policy.role import Role, parse_role_arn
from csr_approver.policy.settings import RoleCheck

_NODE_TYPES = frozenset({"EC2_LINUX", "EC2_WINDOWS", "EC2"})


def _trust(facts: Facts) -> Iterator[Found]:
    """Whoever else may assume a node's role can name his session after any instance."""
    roles, iam = _node_roles(facts), IamRoles(facts.aws.iam)
    check = facts.settings().policy.role_check
    for role in roles:
        match iam.trust_policy(role):
            case Seen(policy) if policy.others is None:
                yield ok("only EC2 may assume it", role.name)
            case Seen(policy) if check is RoleCheck.REQUIRE:
                yield wrong(
                    f"{policy.others} may assume it: all requests of its nodes stay pending (RoleAssumableByOthers)",
                    ADVICE[Reason.ROLE_ASSUMABLE_BY_OTHERS],
                    role.name,
                )
            case Seen(policy):
                yield not_applicable(f"{policy.others} may assume it, which role-check={check} accepts", role.name)
            case Absent(detail) | Unavailable(detail):
                yield unknown(f"needs iam:GetRole: {detail}", subject=role.name)
    if not roles:
        yield not_applicable("no role is mapped to nodes on EC2")


def _named(facts: Facts) -> Iterator[Found]:
    named, mapped = facts.settings().policy.node_roles, set(_node_roles(facts))
    if not named:
        yield not_applicable("node-roles is not set: any role that is mapped to nodes")
        return
    others = ", ".join(sorted(role.name for role in mapped - named))
    if mapped and not mapped & named:
        mend = "set NodeRoles to the ARNs of the roles that nodes have, and sam deploy"
        yield wrong(f"names none of the roles that are mapped to nodes ({others}): all nodes are denied", mend)
    elif others:
        yield ok(f"nodes of {others} are denied: node-roles does not name them")
    else:
        yield ok("names every role that is mapped to nodes")


def _node_roles(facts: Facts) -> list[Role]:
    """By access entries of a type for EC2 nodes, and by items of aws-auth that give the group of nodes."""
    arns = {entry.principal_arn for entry in facts.access_entries() if entry.kind in _NODE_TYPES}
    arns |= {item.role_arn for item in facts.mapped_roles() if "system:nodes" in item.groups}
    return sorted({role for arn in arns if (role := parse_role_arn(arn))})


CHECKS: Checks = {"trust policy": _trust, "node-roles": _named}
