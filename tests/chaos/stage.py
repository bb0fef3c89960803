"""The whole product at work, to be disturbed."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from csr_approver_local.dns_answers import Behaviour
from csr_approver_local.event_source import EventSourceMapping
from csr_approver_local.lambda_runtime import Function, load
from csr_approver_local.sqs import SentMessage
from csr_approver_local.system import System
from tests.api_client import ApiClient
from tests.chaos.function_process import Start
from tests.chaos.functions import Environments, Mortal
from tests.chaos.impatience import hurry
from tests.chaos.nodes import Node, world_of
from tests.chaos.replicas import Replicas
from tests.watcher.harness import wait_until

_APPROVER = "approver"
NOTE = "example.com/Seen"
"""The type of a condition that somebody else writes, and that decides nothing."""


class Stage(ABC):
    """Watchers, queues and functions, beside an API server. Use as a context manager; `nodes` are the fleet.

    `processes`: watchers and approver run in processes of their own, and can be killed.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        folder: Path,
        seed: int = 0,
        *,
        processes: bool = False,
        pollers: int = 1,
        dns_timeout_seconds: float = 0.2,
        behaviours: Mapping[str, Behaviour] | None = None,
        kubeconfig: str | None = None,
        approver_ahead_seconds: float = 0.0,
    ) -> None:
        """`pollers` of the approver's queue; `behaviours` of DNS at the beginning; `kubeconfig` of a real cluster."""
        self.nodes, self.folder = nodes, folder
        self._processes, self._pollers = processes, pollers
        self._ahead_seconds = approver_ahead_seconds
        self._seed = seed
        self.random = self.dice("stage")
        # A node without session name is known by its node name; one with it by its instance id, as ever.
        settings = {"dns-timeout-seconds": str(dns_timeout_seconds), "instance-binding": "prefer"}
        world = world_of(nodes, folder)
        self.system = System(world, settings, behaviours, kubeconfig=kubeconfig, load=self._load)
        self.mortals: list[Mortal] = []
        """The functions that run in this process."""
        self.lied_about: set[Node] = set()
        """Nodes that may have been denied because of a lie, and rightly so."""
        self.on_request: list[Callable[[str], None]] = []
        """Who is told of the name of each request that is made."""
        self._stopping = threading.Event()
        self._polling = threading.Lock()
        self._busy = 0
        self._stack = ExitStack()
        self.patches = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.patches.undo)
            hurry(self.patches.setattr)
            stack.enter_context(self.system)
            self._queues = self.system.sqs.list_queues()["QueueUrls"]
            sources = [self.system.approver_source] * self._pollers + [self.system.recorder_source]
            if self._processes:
                stack.callback(self.approvers.close)
            self.rival = stack.enter_context(self._make_rival())
            self.replicas = self._make_replicas()
            self.replicas.start()
            stack.callback(self.replicas.stop)
            for source in sources:
                poller = threading.Thread(target=self._poll, args=(source,))
                poller.start()
                stack.callback(poller.join)
                stack.callback(self._stopping.set)
            if self._processes:
                # They take a while to start: all are at work when the heartbeats of both replicas have been read.
                wait_until(lambda: [line["message"] for line in self.system.log].count("heartbeat") == 2, 20)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @abstractmethod
    def _make_replicas(self) -> Replicas:
        """Of the watcher, not started yet."""

    def ask(self, node: Node) -> None:
        """Let a node ask for its certificate, until the API server has its request."""
        name = self._create(node)
        for meet in self.on_request:
            meet(name)

    @abstractmethod
    def _create(self, node: Node) -> str:
        """The name of the node's request."""

    @abstractmethod
    def requests(self) -> list[tuple[Node, dict[str, Any]]]:
        """Whose each request is, and how it is now, in the order of their creation."""

    @abstractmethod
    def _make_rival(self) -> ApiClient:
        """A client of somebody else who may approve, too."""

    @abstractmethod
    def ambush(self, name: str, action: Callable[[], None]) -> None:
        """Act once, when the approver decides the request of that name: just before, or as close to it as can be."""

    @abstractmethod
    def kill_api_server(self) -> None:
        """Without a word; it comes back soon, with all that was stored."""

    def dice(self, name: str) -> random.Random:
        """Chance of one's own, which comes again with the seed."""
        return random.Random(f"{self._seed}/{name}")

    @property
    def left_on_queues(self) -> list[SentMessage]:
        """Whatever is on a queue, visible or in flight; those of dead letters are queues too."""
        return [message for queue in self._queues for message in self.system.aws.messages(queue)]

    def _load(
        self, function: str, environment: Mapping[str, str], *, account_id: str, timeout_seconds: float = 20.0
    ) -> Function:
        if function == _APPROVER and self._processes:
            start = Start(function, environment, account_id, timeout_seconds, self._ahead_seconds)
            self.approvers = Environments(start, self._pollers, self.dice("repeats"), self.system.invocations.append)
            return self.approvers
        loaded = load(function, environment, account_id=account_id, timeout_seconds=timeout_seconds)
        mortal = Mortal(loaded, self.dice(function))
        self.mortals.append(mortal)
        return mortal

    def _poll(self, source: EventSourceMapping) -> None:
        while not self._stopping.is_set():
            with self._polling:
                self._busy += 1
            delivered = self._deliver(source)
            with self._polling:
                self._busy -= 1
                if not delivered and not self._busy:
                    # Time-outs of messages pass sooner here than a person would want to wait.
                    for queue in (self.system.csr_queue, self.system.denial_queue):
                        self.system.aws.fast_forward(queue)
            if not delivered:
                time.sleep(0.05)

    def _deliver(self, source: EventSourceMapping) -> bool:
        try:
            invocation = source.poll_once()
        except (BotoCoreError, ClientError):
            return True  # the poller of Lambda tries again, too
        if invocation and source is self.system.approver_source:
            self.system.invocations.append(invocation)
        return invocation is not None


def conditions(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Type and reason of each condition that decides."""
    found = document.get("status", {}).get("conditions", [])
    return [(condition["type"], condition.get("reason", "")) for condition in found if condition["type"] != NOTE]
