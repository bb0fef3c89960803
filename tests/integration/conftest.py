"""What the tests of the whole product on a real control plane share."""

from collections.abc import Iterator

import pytest

from tests.integration.plane import Plane, start_plane
from tests.versions import each_version


@pytest.fixture(scope="session", params=each_version())
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A cluster of each version, which may hold requests of other tests."""
    with start_plane(request.param, tmp_path_factory.mktemp("controlplane")) as plane:
        yield plane
