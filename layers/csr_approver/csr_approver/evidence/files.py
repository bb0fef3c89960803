"""EC2, IAM and EKS answers from files, in the form in which the AWS CLI prints them."""

from collections.abc import Collection, Mapping
from typing import Any

from csr_approver.evidence.ec2_document import read_reservations
from csr_approver.evidence.instances import Answers, match_questions
from csr_approver.evidence.roles import role_of_profile, trust_policy_of_role
from csr_approver.policy.observation import Absent, Observation, Unavailable
from csr_approver.policy.question import InstanceQuestion
from csr_approver.policy.role import Role, TrustPolicy, parse_role_arn


class FileInstances:
    """`aws ec2 describe-instances`."""

    def __init__(self, reservations: list[Any]) -> None:
        self._instances = tuple(read_reservations(reservations))

    def find(self, questions: Collection[InstanceQuestion], vpc_id: str) -> Answers:  # noqa: ARG002 - the policy looks
        """An instance that is not in the file is Absent."""
        return match_questions(questions, self._instances)


class FileRoles:
    """`aws iam list-instance-profiles` and `aws iam list-roles`; None: there is no such file."""

    def __init__(self, profiles: list[Any] | None, roles: list[Any] | None) -> None:
        self._profiles = _by_arn(profiles)
        self._roles = {parse_role_arn(arn): role for arn, role in _by_arn(roles).items()}
        self._has_profiles, self._has_roles = profiles is not None, roles is not None

    def profile_role(self, profile_arn: str) -> Observation[Role]:
        """The role in an instance profile."""
        if not self._has_profiles:
            return Unavailable("no file of instance profiles was given")
        profile = self._profiles.get(profile_arn)
        return role_of_profile(profile, profile_arn) if profile else Absent("the instance profile is not in the file")

    def profile_role_now(self, profile_arn: str) -> Observation[Role]:
        """The same: a file does not change."""
        return self.profile_role(profile_arn)

    def trust_policy(self, role: Role) -> Observation[TrustPolicy]:
        """Who may assume a role."""
        if not self._has_roles:
            return Unavailable("no file of roles was given")
        document = self._roles.get(role)
        return trust_policy_of_role(document, role) if document else Absent("the role is not in the file")


def _by_arn(documents: list[Any] | None) -> dict[str, Mapping[str, Any]]:
    return {str(document.get("Arn")): document for document in documents or [] if isinstance(document, Mapping)}
