"""A real API server with a fleet whose kubelets ask, and what the approver is told of where everything is."""

import json
import re
import ssl
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from csr_approver.message import Pointer, pointer_message
from csr_approver_local.real_cluster import RealCluster
from csr_approver_local.system import Cluster as Requests
from tests.api_client import CSRS, ApiClient
from tests.bench.stand_ins import StandIns
from tests.chaos.nodes import Node
from tests.contract.api_server.clusters import Cluster, LocalCluster, control_plane
from tests.support.requests import CLUSTER

_CREATORS = 4
_COUNTED = re.compile(r"^apiserver_request_total\{([^}]*)\} (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Site:
    """`requests` is where kubelets create theirs."""

    cluster: Cluster
    admin: ApiClient
    requests: Requests
    folder: Path

    def kubeconfig(self, role: str) -> str:
        """The path of a kubeconfig for that role."""
        path = self.folder / f"{role}.kubeconfig"
        path.write_text(json.dumps(self.cluster.kubeconfig(self.cluster.token(role))))
        return str(path)

    def ask(self, nodes: Sequence[Node]) -> list[dict[str, Any]]:
        """Let each node create its request; the objects, in this order."""
        with ThreadPoolExecutor(_CREATORS) as pool:
            return [dict(made) for made in pool.map(lambda node: self.requests.load(node.asks()), nodes)]

    def approved(self) -> int:
        """How many requests have been approved."""
        conditions = (item.get("status", {}).get("conditions", []) for item in self.admin.list().body["items"])
        return sum(any(each["type"] == "Approved" for each in found) for found in conditions)

    def clear(self) -> None:
        """Delete all requests."""
        assert self.admin.call("DELETE", CSRS).status == 200

    def calls(self) -> Counter[str]:
        """How many requests about signing requests the API server has had so far, by verb and subresource."""
        context = ssl.create_default_context(cadata=self.cluster.ca_pem.decode())
        token = self.cluster.token("admin")
        headers = {"Authorization": f"Bearer {token}"}
        with urllib3.PoolManager(ssl_context=context) as http:
            page = http.request("GET", f"{self.cluster.url}/metrics", headers=headers, timeout=30).data.decode()
        counted: Counter[str] = Counter()
        for match in _COUNTED.finditer(page):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
            if labels["resource"] == "certificatesigningrequests":
                counted[f"{labels['verb']} {labels['subresource']}".strip()] += int(match[2])
        return counted

    def environment(self, stand_ins: StandIns, **more: str) -> dict[str, str]:
        """The approver's, which leads to the stand-ins and to this API server."""
        return {
            **stand_ins.environment,
            "KUBECONFIG": self.kubeconfig("approver"),
            "CSR_APPROVER_CLUSTER": CLUSTER,
            "CSR_APPROVER_DNS_SERVERS": stand_ins.dns_address,
            "CSR_QUEUE_URL": "csr",
            "DENIAL_QUEUE_URL": "denial",
            "POWERTOOLS_METRICS_NAMESPACE": "CsrApprover",
            "POWERTOOLS_SERVICE_NAME": "csr-approver",
            **more,
        }


def message(document: Mapping[str, Any]) -> str:
    """The watcher's message about a request."""
    metadata = document["metadata"]
    return pointer_message(CLUSTER, Pointer(metadata["name"], metadata["uid"]))


@contextmanager
def site(*, real: bool = True) -> Iterator[Site]:
    """Raises AssetsNotFoundError without a real API server, unless the local one will do."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with control_plane(folder) if real else LocalCluster() as cluster, cluster.client("admin") as admin:
            if isinstance(cluster, LocalCluster):
                yield Site(cluster, admin, cluster, folder)
                return
            kubeconfig = folder / "creator.kubeconfig"
            kubeconfig.write_text(json.dumps(cluster.kubeconfig(cluster.token("admin"))))
            yield Site(cluster, admin, RealCluster(str(kubeconfig)), folder)
