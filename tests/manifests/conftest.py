"""Each overlay is held to the same."""

import pytest

from tests.support.kustomize import DEPLOY, OVERLAYS, Manifests, render


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def manifests(overlay: str) -> Manifests:
    """What an overlay renders to, as shipped."""
    return render(DEPLOY / "overlays" / overlay)
