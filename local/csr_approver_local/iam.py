"""IAM's GetInstanceProfile and GetRole, answered from documents, so that ids, paths and dates are those of a sample."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from csr_approver_local.wire import AwsError, read_answer

# The pattern of both names in the IAM API reference: a path is no part of a name.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]+")


class InstanceProfiles:
    """The instance profiles and the roles of one account."""

    def __init__(self) -> None:
        self._profiles: dict[str, Mapping[str, Any]] = {}
        self._roles: dict[str, Mapping[str, Any]] = {}

    def put_profiles(self, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws iam list-instance-profiles` prints it, in place of the profiles that were there."""
        profiles = read_answer("iam", "ListInstanceProfiles", "InstanceProfiles", _on_the_wire(document))
        self._profiles = {profile["InstanceProfileName"]: profile for profile in profiles}

    def put_roles(self, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws iam list-roles` prints it, in place of the roles that were there."""
        roles = read_answer("iam", "ListRoles", "Roles", _on_the_wire(document))
        self._roles = {role["RoleName"]: role for role in roles}

    def get_profile(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetInstanceProfile."""
        name = params["InstanceProfileName"]
        _check_name("instanceProfileName", name)
        if name not in self._profiles:
            raise AwsError("NoSuchEntity", f"Instance Profile {name} cannot be found.")
        return {"InstanceProfile": self._profiles[name]}

    def get_role(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetRole."""
        name = params["RoleName"]
        _check_name("roleName", name)
        if name not in self._roles:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.")
        return {"Role": self._roles[name]}


def _on_the_wire(value: Any) -> Any:
    # IAM sends a policy as URL-encoded JSON (RFC 3986); the CLI and boto3 show it decoded.
    if isinstance(value, list):
        return [_on_the_wire(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: quote(json.dumps(each)) if key == "AssumeRolePolicyDocument" else _on_the_wire(each)
        for key, each in value.items()
    }


def _check_name(parameter: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        message = (
            f"The specified value for {parameter} is invalid. "
            "It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )
        raise AwsError("ValidationError", message)
