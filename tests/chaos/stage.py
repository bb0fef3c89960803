"""The whole product at work on one machine, to be disturbed."""

import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver_local.dns_answers import Fault
from csr_approver_local.event_source import EventSourceMapping
from csr_approver_local.lambda_runtime import Function, FunctionError, Invocation, load
from csr_approver_local.system import WATCHER, System
from csr_watcher.api import connect
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher
from tests.chaos.nodes import Node, world_of
from tests.support.requests import CLUSTER


class Mortal:
    """A function that dies at times when all is done but nobody was told: the batch comes back as a whole."""

    def __init__(self, function: Function, chance: random.Random) -> None:
        self._function, self._chance = function, chance
        self.share = 0.0

    def invoke(self, event: object) -> Invocation:
        invocation = self._function.invoke(event)
        if self._chance.random() >= self.share:
            return invocation
        killed = FunctionError("Runtime.ExitError", "killed by the test")
        return Invocation(None, killed, invocation.log_lines, invocation.seconds)


class Stage:
    """API server, both watchers, queues and functions. Use as a context manager; `nodes` are the fleet.

    The names of those in `silent` get no answer from DNS.
    """

    def __init__(self, nodes: list[Node], folder: Path, seed: int = 0, silent: Sequence[Node] = ()) -> None:
        self.nodes, self._folder = nodes, folder
        self.random = random.Random(seed)
        settings = {"dns-timeout-seconds": "0.5"}
        behaviours = {node.name: Fault.SILENT for node in silent}
        self.system = System(world_of(nodes, folder), settings, behaviours, load=self._load)
        self.functions: list[Mortal] = []
        self._watchers: list[Watcher] = []
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.system)
        self._kubeconfig = self._folder / "watcher.kubeconfig"
        self._kubeconfig.write_text(json.dumps(self.system.kubernetes.kubeconfig(WATCHER.username)))
        self._sources = [self.system.approver_source, self.system.recorder_source]
        self.start_watchers()
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._worker.join()
        self.stop_watchers()
        self._stack.close()

    def start_watchers(self) -> None:
        """Two replicas."""
        for ordinal in (0, 1):
            settings = Settings(CLUSTER, self.system.csr_queue, ordinal=ordinal, listen=Listen("127.0.0.1", 0))
            watcher = Watcher(settings, connect(str(self._kubeconfig)), self.system.sqs, f"csr-watcher-{ordinal}")
            watcher.start()
            self._watchers.append(watcher)

    def stop_watchers(self) -> None:
        """What they know is lost."""
        for watcher in self._watchers:
            watcher.stop()
        self._watchers.clear()

    def conditions(self, document: Mapping[str, Any]) -> list[str]:
        """The types of a request's conditions now."""
        stored = self.system.cluster.stored(document["metadata"]["name"]) or {}
        return [condition["type"] for condition in stored.get("status", {}).get("conditions", [])]

    def _load(
        self, function: str, environment: Mapping[str, str], *, account_id: str, timeout_seconds: float = 20.0
    ) -> Function:
        mortal = Mortal(
            load(function, environment, account_id=account_id, timeout_seconds=timeout_seconds), self.random
        )
        self.functions.append(mortal)
        return mortal

    def _work(self) -> None:
        while not self._stopping.is_set():
            delivered = [self._deliver(source) for source in self._sources]
            if not any(delivered):
                # Time-outs of messages pass sooner here than a person would want to wait.
                for queue in (self.system.csr_queue, self.system.denial_queue):
                    self.system.aws.fast_forward(queue)
                time.sleep(0.05)

    def _deliver(self, source: EventSourceMapping) -> bool:
        try:
            invocation = source.poll_once()
        except (BotoCoreError, ClientError):
            return True  # the poller of Lambda tries again, too
        if invocation:
            self.system.invocations.append(invocation)
        return invocation is not None
