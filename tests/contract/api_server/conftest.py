"""What product tests rely on in the local API server is asked of it and of a real kube-apiserver alike.

Whatever differs between Kubernetes versions (texts, some field paths) is not looked at.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.contract.api_server.clusters import By, Cluster
from tests.contract.api_server.kubelet_requests import serving_request


@pytest.fixture
def by(cluster: Cluster) -> Iterator[By]:
    """The client of a role."""
    with ExitStack() as clients:
        yield lambda role: clients.enter_context(cluster.client(role))


@pytest.fixture
def csr(by: By) -> dict[str, Any]:
    """A pending request, as node a.example has just created it."""
    return by("node-a").create(serving_request("a.example")).body
