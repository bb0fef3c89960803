"""Instance profiles and trust policies from IAM, remembered for at most five minutes."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.evidence.cache import ExpiringCache
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.role import Role, TrustPolicy, parse_role_arn, read_trust_policy

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class IamRoles:
    """Keys are whole ARNs and roles with partition and account: a name alone is no identity (CVE-2025-11621)."""

    def __init__(self, client: "IAMClient") -> None:
        self._client = client
        self._profiles = ExpiringCache(self._read_profile)
        self._policies = ExpiringCache(self._read_policy)

    def profile_role(self, profile_arn: str) -> Observation[Role]:
        """The one role in an instance profile."""
        return self._profiles.get(profile_arn)

    def profile_role_now(self, profile_arn: str) -> Observation[Role]:
        """The same, read for this very decision."""
        return self._profiles.renew(profile_arn)

    def trust_policy(self, role: Role) -> Observation[TrustPolicy]:
        """Who may assume a role."""
        return self._policies.get(role)

    def _read_profile(self, profile_arn: str) -> Observation[Role]:
        try:
            name = profile_arn.rpartition("/")[2]
            profile = self._client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        except (ClientError, BotoCoreError) as error:
            return _unreadable(error)
        return role_of_profile(profile, profile_arn)

    def _read_policy(self, role: Role) -> Observation[TrustPolicy]:
        try:
            document = self._client.get_role(RoleName=role.name)["Role"]
        except (ClientError, BotoCoreError) as error:
            return _unreadable(error)
        return trust_policy_of_role(document, role)


def role_of_profile(profile: Mapping[str, Any], profile_arn: str) -> Observation[Role]:
    """An instance profile as IAM prints it; it must be the one that was asked for, and hold one role."""
    if profile.get("Arn") != profile_arn:
        return Unavailable("IAM knows another instance profile of that name")
    match profile.get("Roles"):
        case None | []:
            return Absent("the instance profile holds no role")
        case [Mapping() as document]:
            role = parse_role_arn(str(document.get("Arn")))
        case _:
            role = None
    return Seen(role) if role else Unavailable("the role's ARN cannot be read")


def trust_policy_of_role(document: Mapping[str, Any], role: Role) -> Observation[TrustPolicy]:
    """A role as IAM prints it; its policy is an object (boto3, AWS CLI) or URL-encoded JSON (the API)."""
    if parse_role_arn(str(document.get("Arn"))) != role:
        return Unavailable("IAM knows another role of that name")
    policy = document.get("AssumeRolePolicyDocument")
    if isinstance(policy, str):
        try:
            policy = json.loads(unquote(policy))
        except (ValueError, RecursionError):
            policy = None
    if not isinstance(policy, Mapping):
        return Unavailable("the trust policy cannot be read")
    return Seen(read_trust_policy(policy, role.partition))


def _unreadable(error: ClientError | BotoCoreError) -> Absent | Unavailable:
    if isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchEntity":
        return Absent("IAM does not know it")
    return Unavailable(f"IAM could not be asked: {describe_error(error)}")
