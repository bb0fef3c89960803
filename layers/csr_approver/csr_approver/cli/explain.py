"""`csr-approver explain`: decide requests the way the function would, write nothing, and say why."""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from csr_approver.assess import Assessor, Instances, Names, Roles
from csr_approver.cli.inputs import InputError, read_answer, read_requests
from csr_approver.cli.report import json_line, text_block
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.aws import AwsClients
from csr_approver.clients.kubernetes import from_kubeconfig
from csr_approver.environment import SettingsError, environment_settings
from csr_approver.evidence.clusters import CLUSTER_ARN, EksClusters, described_cluster, stated_cluster
from csr_approver.evidence.files import FileInstances, FileRoles
from csr_approver.evidence.instances import Ec2Instances
from csr_approver.evidence.names import DnsNames
from csr_approver.evidence.roles import IamRoles
from csr_approver.evidence.zone import ZoneNames
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.observation import Observation, Seen
from csr_approver.policy.request import read_signing_request
from csr_approver.policy.settings import RoleCheck
from csr_approver.policy.times import parse_time
from csr_approver.settings import ENVIRONMENT_PREFIX, Settings, parse_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of DESIGN section 5."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="requests to explain; none: every object in --csr")
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
    live = parser.add_argument_group("where the live services are")
    live.add_argument("--kubeconfig", metavar="FILE", help="as kubectl finds it, if not given")
    live.add_argument("--context", help="the kubeconfig's current context, if not given")
    live.add_argument("--region", help="as the AWS CLI finds it, if not given")
    live.add_argument("--profile", help="as the AWS CLI finds it, if not given")
    parser.add_argument(
        "--set", dest="settings", metavar="KEY=VALUE", action="append", default=[], help="a setting; repeatable"
    )
    parser.add_argument("--now", metavar="TIME", type=_time, help="decide as at this time (RFC 3339)")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], warn: Callable[[str], None]) -> None:
    """Print one verdict a request, in the order of the requests. Raises InputError."""
    requests = [read_signing_request(document) for document in _documents(arguments)]
    try:
        settings, assessor, cluster = _sources(arguments, warn)
    except (BotoCoreError, SettingsError) as error:
        raise InputError(str(error)) from None
    assessments = {assessment.position: assessment for assessment in assessor.assess(requests)}
    now = arguments.now or datetime.now(UTC)
    for position, request in enumerate(requests):
        assessment = assessments[position]
        if arguments.output == "json":
            tell(json_line(request, assessment.verdict))
        else:
            tell(text_block(request, assessment, cluster, settings.policy, now))


def _sources(
    arguments: argparse.Namespace, warn: Callable[[str], None]
) -> tuple[Settings, Assessor, Observation[Cluster]]:
    settings, cluster, aws = _cluster(arguments)
    offline_roles = arguments.instances or arguments.instance_profiles
    if offline_roles and not arguments.roles and settings.policy.role_check is RoleCheck.REQUIRE:
        warn("without --roles FILE, role-check=require looks at the instance profile only")
        settings = replace(settings, policy=replace(settings.policy, role_check=RoleCheck.PROFILE))
    assessor = Assessor(
        lambda: cluster,
        _instances(arguments, aws),
        _roles(arguments, aws),
        _names(arguments, settings),
        settings.policy,
    )
    return settings, assessor, cluster


def _documents(arguments: argparse.Namespace) -> list[Any]:
    if arguments.csr is None:
        return _live_documents(arguments)
    documents = read_requests(arguments.csr)
    if not arguments.names:
        return documents
    by_name = {read_signing_request(document).name: document for document in documents}
    for name in arguments.names:
        if name not in by_name:
            raise InputError(f"{arguments.csr}: holds no request named {name}")
    return [by_name[name] for name in arguments.names]


def _live_documents(arguments: argparse.Namespace) -> list[Any]:
    if not arguments.names:
        raise InputError("name at least one request, or give --csr FILE")
    try:
        api = from_kubeconfig(arguments.kubeconfig, arguments.context)
        documents = {name: api.get(name) for name in arguments.names}
    except (ValueError, KubernetesError) as error:
        raise InputError(f"reading the requests from the cluster: {error}") from None
    for name, document in documents.items():
        if document is None:
            raise InputError(f"the cluster has no request named {name} (requests are deleted an hour after a decision)")
    return list(documents.values())


def _cluster(arguments: argparse.Namespace) -> tuple[Settings, Observation[Cluster], AwsClients]:
    """The settings, the cluster's facts, and the way to AWS in the cluster's region."""
    values = environment_settings(os.environ, ENVIRONMENT_PREFIX)
    for assignment in arguments.settings:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: must be KEY=VALUE")
        values[key] = value
    if arguments.cluster is None:
        settings = parse_settings(values)
        aws = AwsClients(arguments.region, arguments.profile)
        if aws.region is None:
            raise InputError("no AWS region: give --region, set AWS_REGION, or give --cluster FILE")
        if stated := stated_cluster(settings.cluster, aws.partition(aws.region), aws.region):
            return settings, Seen(stated), aws
        return settings, _described(settings, EksClusters(aws.eks).describe(settings.cluster.name)), aws
    document = read_answer(arguments.cluster, "cluster", "aws eks describe-cluster", Mapping)
    name = str(document.get("name") or "")
    if values.setdefault("cluster", name) != name:
        raise InputError(f"{arguments.cluster}: describes cluster {name!r}, the setting is {values['cluster']!r}")
    settings = parse_settings(values)
    arn = CLUSTER_ARN.fullmatch(str(document.get("arn")))
    region = arguments.region or (arn["region"] if arn else None)
    return settings, described_cluster(document, settings.cluster), AwsClients(region, arguments.profile)


def _described(settings: Settings, document: Observation[Mapping[str, Any]]) -> Observation[Cluster]:
    return described_cluster(document.value, settings.cluster) if isinstance(document, Seen) else document


def _instances(arguments: argparse.Namespace, aws: AwsClients) -> Instances:
    if arguments.instances is None:
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
        return DnsNames(settings.dns_servers, settings.dns_timeout_seconds)
    try:
        return ZoneNames.load(arguments.zone)
    except ValueError as error:
        raise InputError(str(error)) from None


def _time(text: str) -> datetime:
    time = parse_time(text)
    if time is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time with a time zone, like 2026-01-01T13:30:53Z")
    return time
