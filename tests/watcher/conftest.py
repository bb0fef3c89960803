"""The watcher against the local API server and a real one, and the local SQS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api_server.clusters import Cluster, LocalCluster, real_cluster
from tests.watcher.harness import Scene


@pytest.fixture(scope="session", params=["local", "real"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server with the roles of tests/contract/api_server/clusters.py."""
    started = LocalCluster() if request.param == "local" else real_cluster(tmp_path_factory.mktemp("controlplane"))
    with started as cluster:
        yield cluster


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Iterator[Scene]:
    """That API server, emptied afterwards, and an empty queue."""
    with Scene(cluster, tmp_path) as scene:
        yield scene


@pytest.fixture
def local_scene(tmp_path: Path) -> Iterator[Scene]:
    """A local API server of the test's own, whose answers can be made to fail."""
    with LocalCluster() as cluster, Scene(cluster, tmp_path) as scene:
        yield scene
