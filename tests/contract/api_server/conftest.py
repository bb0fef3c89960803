"""What product tests rely on in the local API server is asked of it and of a real kube-apiserver alike.

Whatever differs between Kubernetes versions (texts, some field paths) is not looked at.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.contract.api_server.clusters import By, Cluster
from tests.contract.api_server.kubelet_requests import serving_request
from tests.versions import each_version


@pytest.fixture(scope="session", params=[pytest.param(None, id="local"), *each_version()])
def cluster(request: pytest.FixtureRequest, start_cluster: Callable[[Path | None], Cluster]) -> Cluster:
    """As for the other tests, but of every version."""
    return start_cluster(request.param)


@pytest.fixture
def by(cluster: Cluster) -> Iterator[By]:
    """The client of a role."""
    with ExitStack() as clients:
        yield lambda role: clients.enter_context(cluster.client(role))


@pytest.fixture
def csr(by: By) -> dict[str, Any]:
    """A pending request, as node a.example has just created it."""
    return by("node-a").create(serving_request("a.example")).body
