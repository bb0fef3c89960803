"""What several checks of `doctor` want to know, each read once, by whoever asks first."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from botocore.exceptions import ClientError

from csr_approver.cli.inputs import InputError
from csr_approver.cli.live import Live
from csr_approver.cli.log_events import LogEvent, read_events
from csr_approver.cli.mapping import AccessEntry, MappedRole
from csr_approver.cli.mapping_sources import mapped_roles
from csr_approver.cli.stack import NoSuchStackError, function_configuration, stack_resources, variables
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.aws import AwsClients
from csr_approver.clients.cluster_reader import ClusterReader
from csr_approver.environment import environment_settings
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.settings import ENVIRONMENT_PREFIX, Settings, parse_settings

T = TypeVar("T")

HEARTBEATS_WITHIN = timedelta(minutes=15)
DECISIONS_WITHIN = timedelta(hours=1)
_UNANSWERED = '($.verdict = "Undetermined") || ($.effect = "write-failed") || ($.effect = "error")'


class NotApplicableError(Exception):
    """There is nothing to look at; the text says why."""


def once(read: Callable[["Facts"], T]) -> Callable[["Facts"], T]:
    """What is read is kept, a failure too."""

    @wraps(read)
    def look(self: "Facts") -> T:
        with self._lock:
            known = self._known.get(read.__name__)
            future: Future[T] = Future() if known is None else cast("Future[T]", known)
            self._known[read.__name__] = future
        if known is None:
            try:
                future.set_result(read(self))
            except Exception as error:  # whatever it is, everybody who asks gets it
                future.set_exception(error)
        return future.result()

    return look


class Facts:
    """May be asked from several threads. Everything raises what its source does, and NotApplicableError."""

    def __init__(self, live: Live, namespace: str) -> None:
        self._live, self.namespace = live, namespace
        self._lock = threading.Lock()
        self._known: dict[str, object] = {}
        self.now = datetime.now(UTC)

    @property
    def aws(self) -> AwsClients:
        """In the cluster's region."""
        return self._live.aws

    @property
    def region(self) -> str:
        """The stack's and the cluster's."""
        return self._live.region

    @property
    def context_cluster(self) -> str | None:
        """The cluster that --set, the environment or the kubeconfig name."""
        return self._live.context_cluster

    @property
    def cluster_name(self) -> str:
        """The cluster that is looked at; where nothing else names one, the stack's."""
        return self.context_cluster or self.settings().cluster.name

    @property
    def stack_name(self) -> str:
        """By --stack, else by the cluster's name."""
        return self._live.stack_name

    @once
    def resources(self) -> Mapping[str, str]:
        """The stack's, physical ids by logical ids."""
        return stack_resources(self.aws, self.stack_name)

    def resource(self, logical_id: str) -> str:
        """The physical id of one that every stack has."""
        try:
            resources = self.resources()
        except NoSuchStackError:
            raise NotApplicableError("there is no stack") from None
        if logical_id not in resources:
            raise InputError(f"the stack has no {logical_id}")
        return resources[logical_id]

    @once
    def approver(self) -> Mapping[str, Any]:
        """The function's configuration."""
        return function_configuration(self.aws, self.resource("ApproverFunction"))

    @once
    def recorder(self) -> Mapping[str, Any]:
        """That of the denial recorder."""
        return function_configuration(self.aws, self.resource("DenialRecorderFunction"))

    @once
    def settings(self) -> Settings:
        """Those of the deployed approver. SettingsError where it cannot read them either."""
        return parse_settings(environment_settings(variables(self.approver()), ENVIRONMENT_PREFIX))

    @once
    def cluster(self) -> Mapping[str, Any]:
        """As `aws eks describe-cluster` prints it."""
        found: Mapping[str, Any] = self.aws.eks.describe_cluster(name=self.cluster_name)["cluster"]
        return found

    def authentication_mode(self) -> str:
        """CONFIG_MAP, API_AND_CONFIG_MAP or API."""
        return str((self.cluster().get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP"))

    @once
    def kubernetes(self) -> ClusterReader:
        """The API server, once it has answered."""
        reader = self._live.kubernetes
        try:
            reader.get("/version")
        except KubernetesError as error:
            if error.status in (0, 401):
                raise
        return reader

    @once
    def mapped_roles(self) -> Sequence[MappedRole]:
        """The items of aws-auth; none where there is no aws-auth, or it does not count."""
        if self.authentication_mode() == "API":
            return ()
        return _value(mapped_roles(self.kubernetes()), ())

    @once
    def access_entries(self) -> Sequence[AccessEntry]:
        """All of the cluster's."""
        if self.authentication_mode() == "CONFIG_MAP":
            return ()
        eks, name = self.aws.eks, self.cluster_name
        pages = eks.get_paginator("list_access_entries").paginate(clusterName=name)
        arns = [arn for page in pages for arn in page["accessEntries"]]
        entries = [eks.describe_access_entry(clusterName=name, principalArn=arn)["accessEntry"] for arn in arns]
        return [AccessEntry(entry["principalArn"], entry["type"], entry.get("username", "")) for entry in entries]

    @once
    def heartbeats(self) -> Sequence[LogEvent]:
        """The lines of the approver's log that tell of a heartbeat, of the last minutes."""
        return self._log('{ $.message = "heartbeat" }', HEARTBEATS_WITHIN)

    @once
    def unanswered(self) -> Sequence[LogEvent]:
        """The lines that tell of a request that was left, or could not be decided, of the last hour."""
        return self._log(f'{{ ($.message = "decision") && ({_UNANSWERED}) }}', DECISIONS_WITHIN)

    def _log(self, pattern: str, within: timedelta) -> Sequence[LogEvent]:
        group = self.resource("ApproverLogGroup")
        return list(read_events(self.aws, group, self.now - within, pattern=pattern))


def code_of(error: ClientError) -> str:
    """AWS's error code."""
    return error.response["Error"].get("Code", "")


def _value(observation: Observation[T], absent: T) -> T:
    match observation:
        case Seen(value):
            return value
        case Absent():
            return absent
        case Unavailable(detail):
            raise InputError(detail)
