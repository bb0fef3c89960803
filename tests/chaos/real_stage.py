"""A stage with a real API server and signer. A node is who the authenticator says it is, and asks for itself."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from urllib3.exceptions import HTTPError

from tests.api_client import CSRS, Answer, ApiClient
from tests.chaos import replicas
from tests.chaos.nodes import Node
from tests.chaos.stage import Stage
from tests.contract.api_server.kubelet_requests import encoded, serving_request
from tests.integration.plane import Plane
from tests.watcher.process import leading_to

_DOWN_SECONDS = 0.5
_AMBUSH_SECONDS = 0.2
# Every request is new here, and what EC2 disproves waits for a minute; by a clock that is ahead it is over at once.
_AHEAD_SECONDS = 65.0


class RealStage(Stage):
    """See Stage. Watchers and approver are processes; the cluster is left without requests."""

    def __init__(self, plane: Plane, nodes: Sequence[Node], folder: Path, seed: int) -> None:
        self._control = plane.control
        super().__init__(
            nodes,
            folder,
            seed,
            processes=True,
            kubeconfig=self._kubeconfig(folder, "approver"),
            approver_ahead_seconds=_AHEAD_SECONDS,
        )
        self._by_username = {node.username: node for node in nodes}
        self._kubelets: dict[Node, ApiClient] = {}
        self._ambushes = ThreadPoolExecutor(8, "ambush")
        self._restarts = ThreadPoolExecutor(1, "restart")
        self._restarting: Future[None] | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ambushes.shutdown()
        self._restarts.shutdown()
        self._answered(lambda: self.rival.call("DELETE", CSRS), 200)
        for kubelet in self._kubelets.values():
            kubelet.__exit__()
        super().__exit__(kind, error, traceback)

    def _make_replicas(self) -> replicas.Replicas:
        kubeconfig = self._kubeconfig(self.folder, "watcher")
        environment = leading_to(self.system.aws, self.system.csr_queue, kubeconfig)
        return replicas.Processes(environment, self.folder / "watchers.log")

    def _make_rival(self) -> ApiClient:
        return self._control.client("admin")

    def _create(self, node: Node) -> str:
        if node not in self._kubelets:
            self._kubelets[node] = (
                self._control.instance(node.name, node.instance_id)
                if node.bound
                else self._control.node(node.name, self.rival)
            )
        body = serving_request(node.name, request=encoded(node.pem()))
        answer = self._answered(lambda: self._kubelets[node].create(body), 201)
        return str(answer.body["metadata"]["name"])

    def requests(self) -> list[tuple[Node, dict[str, Any]]]:
        documents = self._answered(self.rival.list, 200).body["items"]
        return [(self._by_username[document["spec"]["username"]], document) for document in documents]

    def ambush(self, name: str, action: Callable[[], None]) -> None:  # noqa: ARG002 - when that is, is chance here
        def act() -> None:
            time.sleep(delay)
            action()

        delay = self.random.uniform(0, _AMBUSH_SECONDS)
        self._ambushes.submit(act)

    def kill_api_server(self) -> None:
        """It takes seconds to come back; until then it cannot be killed again."""
        if self._restarting is None or self._restarting.done():
            self._restarting = self._restarts.submit(self._control.restart, _DOWN_SECONDS)

    def _kubeconfig(self, folder: Path, role: str) -> str:
        path = folder / f"{role}.kubeconfig"
        path.write_text(json.dumps(self._control.kubeconfig(self._control.token(role))))
        return str(path)

    @staticmethod
    def _answered(call: Callable[[], Answer], status: int) -> Answer:
        """Ask until the API server is there and knows everybody's rights."""
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = call()
                if answer.status == status:
                    return answer
                problem = str(answer)
            except HTTPError as error:
                problem = str(error)
            assert time.monotonic() < deadline, problem
            time.sleep(0.1)
