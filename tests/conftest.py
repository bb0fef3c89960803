"""What tests of several folders ask for."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.contract.api_server.clusters import Cluster, LocalCluster, control_plane
from tests.versions import newest_version

StartCluster: TypeAlias = Callable[[Path | None], Cluster]


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartCluster]:
    """The API server of these assets, or the local one for None; each is started once and stays."""
    with ExitStack() as stack:

        @cache
        def start(assets: Path | None) -> Cluster:
            cluster = control_plane(tmp_path_factory.mktemp("controlplane"), assets) if assets else LocalCluster()
            return stack.enter_context(cluster)

        yield start


@pytest.fixture(scope="session", params=[pytest.param(None, id="local"), *newest_version()])
def cluster(request: pytest.FixtureRequest, start_cluster: StartCluster) -> Cluster:
    """An API server with the roles of tests/contract/api_server/clusters.py, which may hold requests of other tests."""
    return start_cluster(request.param)
