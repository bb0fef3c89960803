"""The whole system on one machine: the real handlers, with their queues, between local AWS, DNS and Kubernetes."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import boto3
from botocore.credentials import ReadOnlyCredentials

from csr_approver.message import Pointer, pointer_message
from csr_approver.settings import ENVIRONMENT_PREFIX
from csr_approver_local.apiserver.users import User
from csr_approver_local.aws import LocalAws
from csr_approver_local.dns_answers import Behaviour
from csr_approver_local.dns_server import DnsServer
from csr_approver_local.eks_token import verify
from csr_approver_local.event_source import EventSourceMapping
from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.lambda_runtime import Invocation, Loader, load
from csr_approver_local.real_cluster import RealCluster
from csr_approver_local.service_models import keep_service_models
from csr_approver_local.world import World

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DENIAL_LOG_GROUP = "/csr-approver/demo/denials"

# What the Kubernetes group of the approver's access entry may do (DESIGN 2.6).
APPROVER = User(
    username="csr-approver",
    groups=("csr-approver", "system:authenticated"),
    permissions=frozenset(
        {
            ("get", "certificatesigningrequests"),
            ("update", "certificatesigningrequests/approval"),
            ("approve", "signers/kubernetes.io/kubelet-serving"),
        }
    ),
)
# What the watcher's ServiceAccount may do; its token is its user name.
WATCHER = User(
    username="system:serviceaccount:csr-approver:csr-watcher",
    groups=("system:serviceaccounts", "system:serviceaccounts:csr-approver", "system:authenticated"),
    permissions=frozenset({("list", "certificatesigningrequests"), ("watch", "certificatesigningrequests")}),
)
_FUNCTION_SECONDS = 20.0
_VISIBILITY_SECONDS = 120
_MAX_RECEIVES = 5


class Cluster(Protocol):
    """Where requests are: the local API server or a real one."""

    def load(self, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put a request there; what is stored."""

    def stored(self, name: str) -> dict[str, Any] | None:
        """The request as it is now; None if there is none."""


class System:
    """A context manager. `kubeconfig`: a real cluster's, instead of the local API server.

    `load` starts the functions: without it, the handlers run in this process.
    """

    def __init__(
        self,
        world: World,
        settings: Mapping[str, str] | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
        kubeconfig: str | None = None,
        batch_size: int = 10,
        timeout_seconds: float = _FUNCTION_SECONDS,
        load: Loader = load,
    ) -> None:
        self._world, self._settings, self._kubeconfig = world, settings or {}, kubeconfig
        self._batch_size, self._timeout_seconds, self._load = batch_size, timeout_seconds, load
        self._stack = ExitStack()
        self.invocations: list[Invocation] = []
        """Of the approver, in order."""
        self.aws = LocalAws(world.region, world.account_id)
        self.dns = DnsServer(world.zone, behaviours)
        self.kubernetes = KubernetesApi(self._authenticate)
        self.watcher_token = WATCHER.username
        """What the watcher has to show to the local API server; no other token is its own."""
        self.tokens_look_older = timedelta()
        """By so much the approver's tokens look older to the local API server than they are."""
        self.cluster: Cluster = RealCluster(kubeconfig) if kubeconfig else self.kubernetes

    def __enter__(self) -> Self:
        keep_service_models()
        with ExitStack() as stack:
            for service in (self.aws, self.dns, self.kubernetes):
                stack.enter_context(service)
            self.aws.put_cluster(self._world.cluster, endpoint=self.kubernetes.url, ca_pem=self.kubernetes.ca_pem)
            self.aws.put_instances(self._world.instances)
            self.aws.put_instance_profiles(self._world.instance_profiles)
            self.aws.put_roles(self._world.roles)
            self._make_queues()
            if isinstance(self.cluster, RealCluster):
                stack.callback(self.cluster.clean)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def send(self, body: str) -> None:
        """Put a message on the CSR queue, as a watcher would."""
        self.sqs.send_message(QueueUrl=self.csr_queue, MessageBody=body)

    def submit(self, document: Mapping[str, Any]) -> str:
        """Put a request into the cluster as it was stored elsewhere, and its pointer on the queue; its name there."""
        metadata = self.cluster.load(document)["metadata"]
        self.send(self.pointer(metadata["name"], metadata["uid"]))
        return str(metadata["name"])

    def pointer(self, name: str, uid: str) -> str:
        """The message about a request of the world's cluster."""
        return pointer_message(self._world.cluster_name, Pointer(name, uid))

    def run(self) -> None:
        """Deliver until nothing is left to deliver, then let the records be written.

        Where the cluster is local, time-outs of messages are skipped instead of waited for.
        """
        self._deliver(self.approver_source, self.csr_queue, self.invocations)
        if self._attribute(self.denial_queue, "ApproximateNumberOfMessages"):
            self._deliver(self.recorder_source, self.denial_queue, [])

    @cached_property
    def sqs(self) -> "SQSClient":
        """A client of the local SQS."""
        return self._session.client("sqs", endpoint_url=self.aws.endpoint_url)

    @cached_property
    def approver_source(self) -> EventSourceMapping:
        """From the CSR queue to a cold start of the approver."""
        function = self._load(
            "approver", self._environment, account_id=self._world.account_id, timeout_seconds=self._timeout_seconds
        )
        return EventSourceMapping(self.sqs, self.csr_queue, function, self._batch_size)

    @cached_property
    def recorder_source(self) -> EventSourceMapping:
        """From the denial queue to a cold start of the denial recorder."""
        function = self._load("denial_recorder", self._environment, account_id=self._world.account_id)
        return EventSourceMapping(self.sqs, self.denial_queue, function)

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every line that the approver logged."""
        lines = [json.loads(line) for invocation in self.invocations for line in invocation.log_lines]
        return [line for line in lines if "_aws" not in line]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Every EMF line that the approver printed."""
        lines = [json.loads(line) for invocation in self.invocations for line in invocation.log_lines]
        return [line for line in lines if "_aws" in line]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The log lines that tell a decision."""
        return [line for line in self.log if line["message"] == "decision"]

    @property
    def denials(self) -> list[dict[str, Any]]:
        """The records of denials in the denial log group."""
        return self._records("denial")

    @property
    def troubles(self) -> list[dict[str, Any]]:
        """The records there of requests that were approved and got no certificate."""
        return self._records("trouble")

    @property
    def dead_letters(self) -> int:
        """Messages in the CSR queue's dead-letter queue."""
        return self._attribute(self._csr_dlq, "ApproximateNumberOfMessages")

    def _records(self, kind: str) -> list[dict[str, Any]]:
        records = [json.loads(event["message"]) for event in self.aws.log_events(DENIAL_LOG_GROUP)]
        return [record for record in records if record["kind"] == kind]

    def _deliver(self, source: EventSourceMapping, queue_url: str, invocations: list[Invocation]) -> None:
        while True:
            if invocation := source.poll_once():
                invocations.append(invocation)
            elif self._kubeconfig:
                if not self._attribute(queue_url, "ApproximateNumberOfMessagesNotVisible"):
                    return
                time.sleep(1)
            elif not self.aws.fast_forward(queue_url):
                return

    def _attribute(
        self,
        queue_url: str,
        name: Literal["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    ) -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def _make_queues(self) -> None:
        self._csr_dlq = self.sqs.create_queue(QueueName="csr-dlq")["QueueUrl"]
        self.csr_queue = self._make_queue("csr", self._csr_dlq)
        self.denial_queue = self._make_queue("denial", self.sqs.create_queue(QueueName="denial-dlq")["QueueUrl"])
        self._session.client("logs", endpoint_url=self.aws.endpoint_url).create_log_group(logGroupName=DENIAL_LOG_GROUP)

    def _make_queue(self, name: str, dead_letter_url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": _MAX_RECEIVES}
        return self.sqs.create_queue(
            QueueName=name,
            Attributes={"VisibilityTimeout": str(_VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)},
        )["QueueUrl"]

    @cached_property
    def _session(self) -> boto3.Session:
        environment = self.aws.environment()
        return boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment["AWS_SESSION_TOKEN"],
            self._world.region,
        )

    @property
    def _environment(self) -> dict[str, str]:
        settings = {"cluster": self._world.cluster_name, "dns-servers": self.dns.address, **self._settings}
        spelt = {f"{ENVIRONMENT_PREFIX}{key.upper().replace('-', '_')}": value for key, value in settings.items()}
        return {
            **self.aws.environment(),
            **spelt,
            **({"KUBECONFIG": self._kubeconfig} if self._kubeconfig else {}),
            "CSR_QUEUE_URL": self.csr_queue,
            "DENIAL_QUEUE_URL": self.denial_queue,
            "DENIAL_LOG_GROUP": DENIAL_LOG_GROUP,
            "POWERTOOLS_METRICS_NAMESPACE": "CsrApprover",
            "POWERTOOLS_SERVICE_NAME": "csr-approver",
        }

    def _authenticate(self, token: str) -> User | None:
        if token == self.watcher_token:
            return WATCHER
        environment = self.aws.environment()
        credentials = ReadOnlyCredentials(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
        )
        now = datetime.now(UTC) + self.tokens_look_older
        try:
            verify(token, cluster=self._world.cluster_name, credentials=credentials, now=now)
        except ValueError:
            return None
        return APPROVER
