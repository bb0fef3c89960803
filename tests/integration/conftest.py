"""What the tests of the whole product on a real control plane share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plane import Plane, start_plane
from tests.versions import each_version


@pytest.fixture(scope="session", params=each_version())
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A cluster of each version, which may hold requests of other tests."""
    assets: Path = request.param
    if not (assets / "kube-controller-manager").is_file():
        pytest.skip(f"no kube-controller-manager in {assets}")
    with start_plane(assets, tmp_path_factory.mktemp("controlplane")) as plane:
        yield plane
