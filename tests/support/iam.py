"""IAM's answers: an instance profile with its role, and who may assume it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from csr_approver_local.world import World
from tests.support.requests import ACCOUNT

EC2_SERVICE = {"Service": "ec2.amazonaws.com"}
_CREATED = "2026-11-01T09:00:00+00:00"


def statement(principal: object = None, effect: str = "Allow", action: object = "sts:AssumeRole") -> dict[str, Any]:
    """One statement of a trust policy; by default the one that every node role has."""
    return {"Effect": effect, "Principal": EC2_SERVICE if principal is None else principal, "Action": action}


def trust_policy(*statements: object) -> dict[str, Any]:
    """A trust policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role_document(name: str, policy: Mapping[str, Any], path: str = "/", partition: str = "aws") -> dict[str, Any]:
    """A role as `aws iam list-roles` prints it."""
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": "AROAEXAMPLEROLEID",
        "Arn": f"arn:{partition}:iam::{ACCOUNT}:role{path}{name}",
        "CreateDate": _CREATED,
        "AssumeRolePolicyDocument": policy,
    }


def profile_arn(name: str, partition: str = "aws") -> str:
    """The ARN of an instance profile without path."""
    return f"arn:{partition}:iam::{ACCOUNT}:instance-profile/{name}"


def profile_document(name: str, roles: Sequence[Mapping[str, Any]], partition: str = "aws") -> dict[str, Any]:
    """An instance profile as `aws iam list-instance-profiles` prints it."""
    return {
        "Path": "/",
        "InstanceProfileName": name,
        "InstanceProfileId": "AIPAEXAMPLEPROFILEID",
        "Arn": profile_arn(name, partition),
        "CreateDate": _CREATED,
        "Roles": list(roles),
    }


def with_iam(world: World, profiles: Sequence[Mapping[str, Any]], roles: Sequence[Mapping[str, Any]]) -> World:
    """The world with these profiles and roles only."""
    return replace(world, instance_profiles={"InstanceProfiles": list(profiles)}, roles={"Roles": list(roles)})
