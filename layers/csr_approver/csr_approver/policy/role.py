"""IAM roles as ARNs name them, and who may assume one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

# IAM: role names are 1-64 of these characters; a path is printable ASCII between slashes; account ids have 12 digits.
_NAME = r"[A-Za-z0-9_+=,.@-]{1,64}"
_PARTITION_AND_ACCOUNT = r"arn:(aws(?:-[a-z0-9]+)*):{service}::([0-9]{{12}}):"
_ROLE_ARN = re.compile(_PARTITION_AND_ACCOUNT.format(service="iam") + rf"role/(?:[\x21-\x7e]+/)?({_NAME})")
_SESSION_ARN = re.compile(
    _PARTITION_AND_ACCOUNT.format(service="sts") + rf"assumed-role/({_NAME})/([\w+=,.@-]{{2,64}})",
    re.ASCII,
)
_ASSUMING_ACTIONS = (
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:assumeroot",
)


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """A role without its path, which STS drops from session ARNs; names are unique in an account all the same."""

    partition: str
    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Who an assumed-role ARN says is calling."""

    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """What matters of a role's trust policy: who besides the EC2 service may assume it; None if nobody."""

    others: str | None


# The nodes of a cluster share a few roles.
@lru_cache(maxsize=256)
def parse_role_arn(arn: str) -> Role | None:
    """arn:aws:iam::111122223333:role/path/NAME; None for anything else."""
    match = _ROLE_ARN.fullmatch(arn)
    return Role(*match.groups()) if match else None


def parse_session_arn(arn: str) -> RoleSession | None:
    """arn:aws:sts::111122223333:assumed-role/NAME/SESSION; None for anything else."""
    match = _SESSION_ARN.fullmatch(arn)
    if match is None:
        return None
    *role, session = match.groups()
    return RoleSession(Role(*role), session)


def session_arn(role: Role, session: str) -> str:
    """How STS names a session of a role."""
    return f"arn:{role.partition}:sts::{role.account_id}:assumed-role/{role.name}/{session}"


def read_trust_policy(document: Mapping[str, Any], partition: str) -> TrustPolicy:
    """Read an AssumeRolePolicyDocument.

    Whoever else may assume a node role chooses his own session name, and so any instance (aws-iam-authenticator,
    README). Conditions and Deny statements can only narrow, and are not read: what looks open is called open.
    """
    return TrustPolicy(_others_who_may_assume(document, partition))


def _others_who_may_assume(trust_policy: Mapping[str, Any], partition: str) -> str | None:
    ec2 = {"ec2.amazonaws.com", "ec2.amazonaws.com.cn"} if partition == "aws-cn" else {"ec2.amazonaws.com"}
    ec2_may = False
    for statement in _list(trust_policy.get("Statement")):
        if not isinstance(statement, Mapping):
            return "an unreadable statement"
        if statement.get("Effect") == "Deny" or not _lets_assume(statement):
            continue
        for principal in _principals(statement):
            if principal not in {f"Service {service}" for service in ec2}:
                return principal
            ec2_may = True
    return None if ec2_may else "not even the EC2 service"


def _lets_assume(statement: Mapping[str, Any]) -> bool:
    if "Action" not in statement:
        return True
    patterns = [str(action).lower().replace("[", "[[]") for action in _list(statement["Action"])]
    return any(fnmatchcase(action, pattern) for pattern in patterns for action in _ASSUMING_ACTIONS)


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping) or not principal:
        yield f"Principal {principal}" if "Principal" in statement else "everybody but a NotPrincipal"
        return
    for kind, values in principal.items():
        for value in _list(values):
            yield f"{kind} {value}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
