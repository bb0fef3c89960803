"""How a cluster maps an IAM role: its access entries, aws-auth and the role itself, as far as they may be read."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli.inputs import InputError
from csr_approver.cli.live import Live
from csr_approver.cli.mapping import (
    UNKNOWN,
    AccessEntry,
    Diagnosis,
    MappedRole,
    Mappings,
    diagnose,
    requesting_session,
)
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.aws import AwsClients, describe_error
from csr_approver.clients.cluster_reader import ClusterReader
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.role import Role, parse_role_arn

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

_AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"


class Diagnoser:
    """Diagnoses the requests of one cluster, which is asked once for each role that something is wrong with."""

    def __init__(self, live: Live, cluster: str, *, may_ask: bool) -> None:
        self._live, self._cluster, self._may_ask = live, cluster, may_ask
        self._known: dict[Role, Mappings] = {}

    def diagnose(self, request: SigningRequest) -> Diagnosis | None:
        """None: the request shows nothing that is wrong with the mapping."""
        diagnosis, session = diagnose(request, UNKNOWN, self._cluster), requesting_session(request)
        if diagnosis is None or session is None or not self._may_ask:
            return diagnosis
        return diagnose(request, self._mappings(session.role), self._cluster)

    def _mappings(self, role: Role) -> Mappings:
        if role not in self._known:
            try:
                self._known[role] = read_mappings(self._live, role)
            except (BotoCoreError, InputError):
                # The cluster is stated by settings, and EKS knows nothing of it; the diagnosis stands without that.
                self._known[role] = UNKNOWN
        return self._known[role]


def read_mappings(live: Live, role: Role) -> Mappings:
    """What can be learnt of one role; whatever is not permitted stays unknown. Raises what `live` does."""
    described = live.described
    access = described.value.get("accessConfig") if isinstance(described, Seen) else None
    return Mappings(
        entries=access_entries(live.aws.eks, live.settings.cluster.name, role),
        mapped_roles=mapped_roles(live.kubernetes),
        authentication_mode=access.get("authenticationMode") if isinstance(access, Mapping) else None,
        role_arn=_role_arn(live.aws, role),
    )


def access_entries(eks: "EKSClient", cluster: str, role: Role) -> Observation[Sequence[AccessEntry]]:
    """The role's access entries: at most one, or one for each path that the role ever had."""
    try:
        pages = eks.get_paginator("list_access_entries").paginate(clusterName=cluster)
        principals = [arn for page in pages for arn in page["accessEntries"] if parse_role_arn(arn) == role]
        entries = [
            eks.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"] for arn in principals
        ]
    except (ClientError, BotoCoreError) as error:
        return Unavailable(f"EKS could not be asked for access entries: {describe_error(error)}")
    return Seen([AccessEntry(entry["principalArn"], entry["type"], entry.get("username", "")) for entry in entries])


def mapped_roles(cluster: ClusterReader) -> Observation[Sequence[MappedRole]]:
    """mapRoles of the ConfigMap aws-auth; what is no item is passed over."""
    try:
        document = cluster.get(_AWS_AUTH)
    except KubernetesError as error:
        return Unavailable(f"aws-auth could not be read: {error}")
    if document is None:
        return Absent("there is no aws-auth")
    try:
        items = yaml.safe_load(str((document.get("data") or {}).get("mapRoles") or "[]"))
    except (yaml.YAMLError, RecursionError):
        return Unavailable("mapRoles in aws-auth is no YAML")
    return Seen([_mapped_role(item) for item in items if isinstance(item, Mapping)] if isinstance(items, list) else [])


def _mapped_role(item: Mapping[str, Any]) -> MappedRole:
    groups = item.get("groups")
    return MappedRole(
        str(item.get("rolearn", "")),
        str(item.get("username", "")),
        tuple(map(str, groups if isinstance(groups, list) else ())),
    )


def _role_arn(aws: AwsClients, role: Role) -> str | None:
    try:
        arn = aws.iam.get_role(RoleName=role.name)["Role"]["Arn"]
    except (ClientError, BotoCoreError):
        return None
    return arn if parse_role_arn(arn) == role else None
