"""A watcher in this process, between an API server and a queue that both can be disturbed."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from kubernetes.client import ApiClient as ApiConnection

from csr_approver.message import Heartbeat, Pointer, parse_message
from csr_approver_local.aws import LocalAws
from csr_approver_local.sqs import SentMessage
from csr_watcher.api import connect
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher
from tests.api_client import CSRS, Answer, ApiClient
from tests.contract.api_server.clusters import Cluster
from tests.contract.api_server.kubelet_requests import condition, decided, serving_request

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CLUSTER = "demo"


class Scene:
    """Use as a context manager; empties the cluster at its beginning and at its end."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster = cluster
        self.aws = LocalAws("eu-west-1", "111122223333")
        self._directory = directory
        self._numbers = count(1)
        self._watchers: list[Watcher] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.aws)
        self.admin = self._stack.enter_context(self.cluster.client("admin"))
        self.renew_queue()
        self._clean()
        self._stack.callback(self._clean)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for watcher in self._watchers:
            watcher.stop()
        self._stack.close()

    def renew_queue(self) -> None:
        """From now on, `queue_url` is that of another queue, which is empty."""
        self.queue_url = self.sqs.create_queue(QueueName=f"csr-{next(self._numbers)}")["QueueUrl"]

    @cached_property
    def sqs(self) -> "SQSClient":
        """Nothing is retried but by the watcher."""
        return self._client()

    def _client(self, read_timeout: float = 4) -> "SQSClient":
        environment = self.aws.environment()
        session = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment["AWS_SESSION_TOKEN"],
            self.aws.region,
        )
        retries: Any = {"total_max_attempts": 1, "mode": "standard"}
        config = Config(max_pool_connections=20, retries=retries, read_timeout=read_timeout)
        return session.client("sqs", endpoint_url=self.aws.endpoint_url, config=config)

    def watch(self, connection: ApiConnection | None = None, read_timeout: float = 4, **changes: Any) -> Watcher:
        """Start a watcher, by default with the role `watcher`; `changes` of its settings by field."""
        settings = replace(Settings(CLUSTER, self.queue_url, listen=Listen("127.0.0.1", 0)), **changes)
        connection = connection or connect(self.kubeconfig("watcher"))
        watcher = Watcher(settings, connection, self._client(read_timeout), f"csr-watcher-{settings.ordinal}")
        self._watchers.append(watcher)
        watcher.start()
        return watcher

    def stop(self, watcher: Watcher) -> None:
        """End a watcher before the scene ends."""
        self._watchers.remove(watcher)
        watcher.stop()

    def kubeconfig(self, role: str) -> str:
        """The path of a kubeconfig for that role."""
        path = self._directory / f"{role}.kubeconfig"
        path.write_text(json.dumps(self.cluster.kubeconfig(self.cluster.token(role))))
        return str(path)

    def ask(self, node: str | None = None, client: ApiClient | None = None) -> Pointer:
        """Let a node create a request, as its kubelet does; each a node of its own by default."""
        node = node or f"node-{next(self._numbers)}"
        answer = self.cluster.node(node, client or self.admin).create(serving_request(node))
        assert answer.status == 201, answer
        return Pointer(answer.body["metadata"]["name"], answer.body["metadata"]["uid"])

    def ask_for_client_certificate(self, node: str = "node-0") -> Answer:
        """Let a node ask for a client certificate, as it does before it is one."""
        request = serving_request(node, signerName="kubernetes.io/kube-apiserver-client-kubelet")
        return self.cluster.node(node, self.admin).create(request)

    def stored(self) -> set[Pointer]:
        """All requests of the cluster."""
        items = self.admin.list().body["items"]
        return {Pointer(item["metadata"]["name"], item["metadata"]["uid"]) for item in items}

    def decide(self, pointer: Pointer, kind: str = "Approved") -> None:
        """Approve or deny it, as somebody does who is not the approver."""
        document = self.admin.get(pointer.name).body
        assert self.admin.put_approval(decided(document, condition(kind))).status == 200

    def fail(self, pointer: Pointer, **words: str) -> None:
        """Let the signer fail an approved request."""
        document = self.admin.get(pointer.name).body
        document["status"]["conditions"].append(condition("Failed", **words))
        assert self.admin.put_status(document).status == 200

    def messages(self) -> list[SentMessage]:
        """All that is on the queue."""
        return self.aws.messages(self.queue_url)

    def pointers(self) -> Counter[Pointer]:
        """The pointers among them, and how often each is there."""
        parsed = (parse_message(message.body, CLUSTER) for message in self.messages())
        return Counter(each for each in parsed if isinstance(each, Pointer))

    def heartbeats(self, watcher: str = "csr-watcher-0") -> list[Heartbeat]:
        """The heartbeats of a replica among them."""
        parsed = (parse_message(message.body, CLUSTER) for message in self.messages())
        return [each for each in parsed if isinstance(each, Heartbeat) and each.watcher == watcher]

    def await_pointers(self, pointers: Sequence[Pointer], seconds: float = 10.0) -> None:
        """Until all of them are on the queue."""
        wait_until(lambda: self.pointers().keys() >= set(pointers), seconds)

    def _clean(self) -> None:
        assert self.admin.call("DELETE", CSRS).status in (200, 405)
        for item in self.admin.list().body["items"]:
            self.admin.delete(item["metadata"]["name"])


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Fails if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def metric(watcher: Watcher, name: str, **labels: str) -> float:
    """The value of `csr_watcher_<name>` now."""
    return watcher.metrics.registry.get_sample_value(f"csr_watcher_{name}", labels) or 0.0
