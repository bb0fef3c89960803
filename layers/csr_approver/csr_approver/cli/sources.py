"""What a verdict rests on: each source is the live service, or a file in the form that people have it."""

import argparse
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from csr_approver.assess import Assessor, Instances, Names, Roles
from csr_approver.cli.failures import require_credentials
from csr_approver.cli.inputs import InputError, read_answer
from csr_approver.cli.live import Live
from csr_approver.clients.aws import AwsClients
from csr_approver.evidence.clusters import CLUSTER_ARN, described_cluster
from csr_approver.evidence.files import FileInstances, FileRoles
from csr_approver.evidence.instances import Ec2Instances
from csr_approver.evidence.names import DnsNames
from csr_approver.evidence.roles import IamRoles
from csr_approver.evidence.zone import ZoneNames
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Observation
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.settings import Mode, RoleCheck
from csr_approver.policy.times import parse_time
from csr_approver.settings import Settings, parse_settings

_NAMES_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class _InTurns:
    """DNS, asked for so many names at a time as its time limit allows for even where a machine is slow."""

    names: Names

    def resolve(self, names: Collection[DnsName]) -> Iterator[tuple[DnsName, Resolution]]:
        """Each name as soon as both its answers are in."""
        distinct = list(dict.fromkeys(names))
        for start in range(0, len(distinct), _NAMES_AT_A_TIME):
            yield from self.names.resolve(distinct[start : start + _NAMES_AT_A_TIME])


@dataclass(frozen=True, slots=True)
class Sources:
    """The settings, the cluster's facts, and what decides by them. `live`: the evidence is in no file."""

    settings: Settings
    cluster: Observation[Cluster]
    assessor: Assessor
    live: bool


def add_source_files(parser: argparse.ArgumentParser) -> None:
    """The requests, and the sources of a verdict."""
    files = parser.add_argument_group("sources that can be a file instead of the live service")
    files.add_argument("--csr", type=Path, metavar="FILE", help="as `kubectl get csr -o json|yaml` prints")
    files.add_argument("--instances", type=Path, metavar="FILE", help="as `aws ec2 describe-instances` prints")
    files.add_argument(
        "--instance-profiles", type=Path, metavar="FILE", help="as `aws iam list-instance-profiles` prints"
    )
    files.add_argument("--roles", type=Path, metavar="FILE", help="as `aws iam list-roles` prints")
    files.add_argument("--cluster", type=Path, metavar="FILE", help="as `aws eks describe-cluster` prints")
    files.add_argument(
        "--zone", type=Path, metavar="FILE", action="append", default=[], help="RFC 1035 master file; repeatable"
    )


def find_sources(
    arguments: argparse.Namespace, live: Live, warn: Callable[[str], None], *, mode: Mode | None = None
) -> Sources:
    """Those that the arguments name, perhaps in another mode. Raises BotoCoreError, InputError and SettingsError."""
    settings, cluster, aws = _cluster(arguments, live)
    filed_evidence = arguments.instances or arguments.instance_profiles
    if filed_evidence and not arguments.roles and settings.policy.role_check is RoleCheck.REQUIRE:
        warn("without --roles FILE, role-check=require looks at the instance profile only")
        settings = replace(settings, policy=replace(settings.policy, role_check=RoleCheck.PROFILE))
    if mode:
        settings = replace(settings, policy=replace(settings.policy, mode=mode))
    assessor = Assessor(
        lambda: cluster,
        _instances(arguments, aws),
        _roles(arguments, aws),
        _names(arguments, settings),
        settings.policy,
    )
    files = arguments.cluster, arguments.instances, arguments.instance_profiles, arguments.roles
    return Sources(settings, cluster, assessor, live=not any(files))


def time_argument(text: str) -> datetime:
    """The type of --now."""
    time = parse_time(text)
    if time is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time with a time zone, like 2026-01-01T13:30:53Z")
    return time


def _cluster(arguments: argparse.Namespace, live: Live) -> tuple[Settings, Observation[Cluster], AwsClients]:
    """The settings, the cluster's facts, and the way to AWS in the cluster's region."""
    if arguments.cluster is None:
        return live.settings, live.cluster, live.aws
    values = live.setting_values()
    document = read_answer(arguments.cluster, "cluster", "aws eks describe-cluster", Mapping)
    name = str(document.get("name") or "")
    if values.setdefault("cluster", name) != name:
        raise InputError(f"{arguments.cluster}: describes cluster {name!r}, the setting is {values['cluster']!r}")
    settings = parse_settings(values)
    arn = CLUSTER_ARN.fullmatch(str(document.get("arn")))
    region = arguments.region or (arn["region"] if arn else None)
    return settings, described_cluster(document, settings.cluster), AwsClients(region, arguments.profile)


def _instances(arguments: argparse.Namespace, aws: AwsClients) -> Instances:
    if arguments.instances is None:
        require_credentials(aws)
        return Ec2Instances(aws.ec2)
    return FileInstances(read_answer(arguments.instances, "Reservations", "aws ec2 describe-instances", list))


def _roles(arguments: argparse.Namespace, aws: AwsClients) -> Roles:
    """IAM is asked only where EC2 is: a filed instance's profile is not in whatever account is at hand."""
    if arguments.instances is None and arguments.instance_profiles is None and arguments.roles is None:
        return IamRoles(aws.iam)
    profiles, roles = arguments.instance_profiles, arguments.roles
    return FileRoles(
        profiles and read_answer(profiles, "InstanceProfiles", "aws iam list-instance-profiles", list),
        roles and read_answer(roles, "Roles", "aws iam list-roles", list),
    )


def _names(arguments: argparse.Namespace, settings: Settings) -> Names:
    if not arguments.zone:
        return _InTurns(DnsNames(settings.dns_servers, settings.dns_timeout_seconds))
    try:
        return ZoneNames.load(arguments.zone)
    except ValueError as error:
        raise InputError(str(error)) from None
