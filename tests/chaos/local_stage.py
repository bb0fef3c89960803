"""A stage with the local API server, where requests may have been made some time ago."""

import json
from collections.abc import Callable
from typing import Any

from botocore.credentials import ReadOnlyCredentials

from csr_approver.clients.kubernetes import eks_token
from csr_approver_local.system import WATCHER
from csr_watcher.settings import Settings
from tests.api_client import ApiClient
from tests.chaos import replicas
from tests.chaos.nodes import Node
from tests.chaos.stage import Stage
from tests.support.requests import CLUSTER, REGION
from tests.watcher.in_pod import in_pod
from tests.watcher.process import leading_to

_DOWN_SECONDS = 0.4


class LocalStage(Stage):
    """See Stage."""

    def _make_replicas(self) -> replicas.Replicas:
        self._asked: list[tuple[Node, str]] = []
        api = self.system.kubernetes
        if self._processes:
            kubeconfig = self.folder / "watcher.kubeconfig"
            kubeconfig.write_text(json.dumps(api.kubeconfig(WATCHER.username)))
            environment = leading_to(self.system.aws, self.system.csr_queue, str(kubeconfig))
            return replicas.Processes(environment, self.folder / "watchers.log")
        self.watcher_token = self.folder / "token"
        self.watcher_token.write_text(self.system.watcher_token)
        connections = [in_pod(api, self.folder, self.patches) for _ in range(2)]
        return replicas.Threads(Settings(CLUSTER, self.system.csr_queue), connections, self.system.sqs)

    def _create(self, node: Node) -> str:
        document = node.asks()
        name: str = document["metadata"]["name"]
        self.system.cluster.load(document)
        self._asked.append((node, name))
        return name

    def requests(self) -> list[tuple[Node, dict[str, Any]]]:
        return [(node, self.system.cluster.stored(name) or {}) for node, name in self._asked]

    def _make_rival(self) -> ApiClient:
        environment = self.system.aws.environment()
        credentials = ReadOnlyCredentials(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_SESSION_TOKEN"]
        )
        token = eks_token(credentials, f"sts.{REGION}.amazonaws.com", REGION, CLUSTER)
        return ApiClient(self.system.kubernetes.url, self.system.kubernetes.ca_pem, token)

    def ambush(self, name: str, action: Callable[[], None]) -> None:
        self.system.kubernetes.before_write(f"/{name}/approval", action)

    def kill_api_server(self) -> None:
        for method in ("GET", "PUT"):
            self.system.kubernetes.refuse_for(_DOWN_SECONDS, method, "", 503)
            # The new one does not know the rights yet.
            self.system.kubernetes.refuse_for(2 * _DOWN_SECONDS, method, "", 403)
        self.system.kubernetes.disconnect()
