"""The watcher against the local API server and a real one, and the local SQS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api_server.clusters import Cluster, LocalCluster
from tests.watcher.harness import Scene


@pytest.fixture
def scene(cluster: Cluster, tmp_path: Path) -> Iterator[Scene]:
    """An API server with nothing on it, and an empty queue."""
    with Scene(cluster, tmp_path) as scene:
        yield scene


@pytest.fixture
def local_scene(tmp_path: Path) -> Iterator[Scene]:
    """A local API server of the test's own, whose answers can be made to fail."""
    with LocalCluster() as cluster, Scene(cluster, tmp_path) as scene:
        yield scene
