"""What tests of several folders ask for."""

from collections.abc import Iterator

import pytest

from tests.contract.api_server.clusters import Cluster, LocalCluster, real_cluster


@pytest.fixture(scope="session", params=["local", "real"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server with the roles of tests/contract/api_server/clusters.py, which may hold requests of other tests."""
    started = LocalCluster() if request.param == "local" else real_cluster(tmp_path_factory.mktemp("controlplane"))
    with started as cluster:
        yield cluster
