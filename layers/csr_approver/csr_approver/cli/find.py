"""Which request a NAME means: a request's own name, or the name or instance id of the node that made it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from csr_approver.cli.failures import cluster_failure
from csr_approver.cli.inputs import InputError, read_requests
from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError
from csr_approver.clients.cluster_reader import ClusterReader
from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.request import (
    KUBELET_SERVING,
    NODE_USER_PREFIX,
    SESSION_NAME,
    SigningRequest,
    read_signing_request,
)
from csr_approver.policy.verdict import shown

RESOURCE = "certificatesigningrequests.certificates.k8s.io"
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Requests(Protocol):
    """Where requests are looked for. Both methods raise InputError."""

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The request of that name; None if there is none."""

    def every(self) -> Iterable[Any]:
        """At least every kubelet-serving request."""

    def missing(self, name: str) -> str:
        """What to tell of a name that is neither a request's nor a node's."""


class FiledRequests:
    """Those in a file, as `kubectl get csr -o json|yaml` prints them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._documents = read_requests(path)
        self._by_name = {read_signing_request(document).name: document for document in self._documents}

    def get(self, name: str) -> Mapping[str, Any] | None:
        """The last of that name."""
        return self._by_name.get(name)

    def every(self) -> Iterable[Any]:
        """All of them."""
        return self._documents

    def missing(self, name: str) -> str:
        """A request's name, because a file is mostly looked into by that."""
        return f"{self._path}: holds no request named {name}, and none of a node of that name"


class LiveRequests:
    """Those in the cluster."""

    def __init__(self, cluster: Callable[[], ClusterReader]) -> None:
        self._cluster = cluster

    def get(self, name: str) -> Mapping[str, Any] | None:
        """As the API server has it now."""
        try:
            return self._cluster().get(f"{REQUESTS_PATH}/{quote(name, safe='')}")
        except KubernetesError as error:
            raise cluster_failure(error, f"the request {name}", f"get on {RESOURCE}") from None

    def every(self) -> Iterable[Any]:
        """Page by page."""
        try:
            yield from self._cluster().items(REQUESTS_PATH, {"fieldSelector": f"spec.signerName={KUBELET_SERVING}"})
        except KubernetesError as error:
            raise cluster_failure(error, "the requests, to look for a node's", f"list on {RESOURCE}") from None

    def missing(self, name: str) -> str:
        """Mostly it was there once."""
        return (
            f"the cluster has no request named {name}, and none of a node of that name: requests are deleted an hour"
            " after a decision, pending ones after 24 h; `kubectl get csr` lists those that there are"
        )


def find(names: Sequence[str], requests: Requests, warn: Callable[[str], None]) -> list[Mapping[str, Any]]:
    """A request for each name, which may be written as `kubectl get -o name` prints it. Raises InputError."""
    return [_find(name.rpartition("/")[2], requests, warn) for name in names]


def _find(name: str, requests: Requests, warn: Callable[[str], None]) -> Mapping[str, Any]:
    if (document := requests.get(name)) is not None:
        return document
    of_node = [request for request in map(read_signing_request, requests.every()) if _is_of_node(request, name)]
    if not of_node:
        raise InputError(requests.missing(name))
    newest = max(of_node, key=lambda request: (not request.decided, request.created_at or _ALWAYS))
    pending = sum(not request.decided for request in of_node)
    warn(
        f"no request is named {name}: this is {shown(newest.name)}, the newest of the node's {len(of_node)}"
        f" ({pending} pending, {len(of_node) - pending} decided)"
    )
    document = requests.get(newest.name)
    if document is None:
        raise InputError(requests.missing(name))
    return document


def _is_of_node(request: SigningRequest, name: str) -> bool:
    """By who asked; where that is no node, as with a role that is mapped wrongly, by whose name is asked for."""
    if request.signer_name != KUBELET_SERVING:
        return False
    node_name = request.node_name or node_asked_for(request)
    return name == node_name or request.extra.get(SESSION_NAME) == (name,)


def node_asked_for(request: SigningRequest) -> str | None:
    """The node in the subject's common name; None where the request is not as a kubelet sends it."""
    certificate = read_certificate_request(request.pem_base64)
    if not isinstance(certificate, CertificateRequest) or not certificate.common_name.startswith(NODE_USER_PREFIX):
        return None
    return certificate.common_name.removeprefix(NODE_USER_PREFIX)
