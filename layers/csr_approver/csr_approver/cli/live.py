"""Where the live services are, and which settings hold: found as kubectl and the AWS CLI find theirs."""

import argparse
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli.failures import aws_failure, is_about_credentials, require_credentials
from csr_approver.cli.inputs import InputError
from csr_approver.cli.stack import Stack, default_stack_name, find_stack
from csr_approver.clients.api_server import kubeconfig_client
from csr_approver.clients.aws import AwsClients, describe_error
from csr_approver.clients.cluster_reader import ClusterReader
from csr_approver.clients.kubeconfig import EksContext, eks_context
from csr_approver.environment import environment_settings
from csr_approver.evidence.clusters import described_cluster, stated_cluster
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.observation import Observation, Seen, Unavailable
from csr_approver.settings import ENVIRONMENT_PREFIX, Settings, not_default, parse_settings

_STACK_HELP = "take the settings of the functions that this stack deployed"


def add_live_arguments(parser: argparse.ArgumentParser, stack_help: str = _STACK_HELP) -> None:
    """Kubeconfig, AWS and settings."""
    live = parser.add_argument_group("where the live services are")
    live.add_argument("--kubeconfig", metavar="FILE", help="as kubectl finds it, if not given")
    live.add_argument("--context", help="the kubeconfig's current context, if not given")
    live.add_argument("--region", help="as the AWS CLI finds it, else that of the kubeconfig's cluster")
    live.add_argument("--profile", help="as the AWS CLI finds it, else the one in the kubeconfig's command for tokens")
    settings = parser.add_argument_group("settings")
    settings.add_argument(
        "--set", dest="settings", metavar="KEY=VALUE", action="append", default=[], help="a setting; repeatable"
    )
    settings.add_argument("--stack", metavar="NAME", help=stack_help)


class Live:
    """The services that the arguments lead to. Everything raises InputError, SettingsError or BotoCoreError."""

    def __init__(self, arguments: argparse.Namespace, warn: Callable[[str], None]) -> None:
        self._arguments, self._warn = arguments, warn

    @cached_property
    def aws(self) -> AwsClients:
        """In the region that was asked for, else the AWS CLI's, else that of the kubeconfig's cluster."""
        arguments, context = self._arguments, self._context
        aws = AwsClients(arguments.region, self._profile)
        if context is None or context.region is None:
            return aws
        if aws.region is None:
            return AwsClients(context.region, self._profile)
        if aws.region != context.region and not arguments.region:
            self._warn(f"the AWS region is {aws.region}, the kubeconfig's cluster is in {context.region}: see --region")
        return aws

    @property
    def region(self) -> str:
        """The region; there must be one."""
        if region := self.aws.region:
            return region
        raise InputError("no AWS region: give --region, set AWS_REGION, or give --cluster FILE")

    @cached_property
    def kubernetes(self) -> ClusterReader:
        """The API server of the context."""
        try:
            return ClusterReader(kubeconfig_client(self._arguments.kubeconfig, self._arguments.context))
        except ValueError as error:
            hint = "see --kubeconfig and --context; `aws eks update-kubeconfig --name CLUSTER` writes one"
            raise InputError(f"{error} ({hint})") from None

    @cached_property
    def stack(self) -> Stack | None:
        """What --stack names."""
        return find_stack(self.aws, self._arguments.stack) if self._arguments.stack else None

    @property
    def stack_name(self) -> str:
        """What --stack names, else the cluster's stack by the name that docs/operations.md gives it."""
        return self._arguments.stack or default_stack_name(self.settings.cluster.name)

    def setting_values(self) -> dict[str, str]:
        """By --set, else the environment, else the stack."""
        return {key: value for key, (value, _) in self._given_settings.items()}

    @cached_property
    def settings(self) -> Settings:
        """These; the cluster's name also by the kubeconfig."""
        values = self.setting_values()
        if self._context:
            stated = values.setdefault("cluster", self._context.name)
            if stated != self._context.name:
                self._warn(f"the settings say cluster {stated}, the kubeconfig leads to {self._context.name}")
        return parse_settings(values)

    def settings_note(self) -> str:
        """The settings that are not the defaults, and where they come from: a verdict depends on them."""
        given = self._given_settings
        changed = [f"{key}={given[key][0]} ({given[key][1]})" for key in not_default(self.setting_values())]
        note = ", ".join(changed) or "the defaults"
        return note if self._arguments.stack else f"{note}; --stack NAME takes those of a deployed stack"

    @cached_property
    def cluster(self) -> Observation[Cluster]:
        """The facts that the settings state, else what EKS describes."""
        settings = self.settings
        if stated := stated_cluster(settings.cluster, self.aws.partition(self.region), self.region):
            return Seen(stated)
        document = self.described
        return described_cluster(document.value, settings.cluster) if isinstance(document, Seen) else document

    @cached_property
    def described(self) -> Observation[Mapping[str, Any]]:
        """The cluster as `aws eks describe-cluster` prints it; Unavailable where EKS might tell somebody else."""
        name, region = self.settings.cluster.name, self.region
        require_credentials(self.aws)
        try:
            return Seen(self.aws.eks.describe_cluster(name=name)["cluster"])
        except exceptions.ConnectionError as error:
            # The function may well get through: this is about the way from here.
            raise InputError(f"asking EKS in region {region} for cluster {name}: {aws_failure(error)}") from None
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and is_about_credentials(error):
                raise InputError(f"asking EKS for cluster {name}: {aws_failure(error)}") from None
            if isinstance(error, self.aws.eks.exceptions.ResourceNotFoundException):
                hint = "see --set cluster=NAME, --region and --profile"
                raise InputError(f"EKS has no cluster {name} in {region} for this AWS identity: {hint}") from None
            return Unavailable(f"EKS could not be asked for cluster {name}: {describe_error(error)}")

    @property
    def context_cluster(self) -> str | None:
        """The cluster that --set, the environment or the kubeconfig name; the stack is not asked."""
        if "cluster" in self._stated_settings:
            return self._stated_settings["cluster"][0]
        return self._context.name if self._context else None

    @cached_property
    def _given_settings(self) -> dict[str, tuple[str, str]]:
        """Value and origin by name; the later origins count more."""
        of_stack = self.stack.settings if self.stack else {}
        return {key: (value, "--stack") for key, value in of_stack.items()} | self._stated_settings

    @cached_property
    def _stated_settings(self) -> dict[str, tuple[str, str]]:
        """Those that are no stack's."""
        variables = environment_settings(os.environ, ENVIRONMENT_PREFIX)
        given = {key: (value, "the environment") for key, value in variables.items()}
        for assignment in self._arguments.settings:
            key, equals, value = assignment.partition("=")
            if not equals:
                raise InputError(f"--set {assignment}: must be KEY=VALUE")
            given[key] = value, "--set"
        return given

    @cached_property
    def _context(self) -> EksContext | None:
        return eks_context(self._arguments.kubeconfig, self._arguments.context)

    @property
    def _profile(self) -> str | None:
        """That of --profile; where neither it nor the environment says who asks, the one that kubectl uses."""
        if self._arguments.profile or not {"AWS_PROFILE", "AWS_ACCESS_KEY_ID"}.isdisjoint(os.environ):
            return str(self._arguments.profile) if self._arguments.profile else None
        return self._context.profile if self._context else None
