"""The Kubernetes versions on this machine, as parameters of the fixtures that start a control plane."""

from typing import TYPE_CHECKING

import pytest

from tests.controlplane import AssetsNotFoundError, find_versions, version_of

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet


def each_version() -> "list[ParameterSet]":
    """The folder of each version's binaries, oldest first; where there is none, a parameter that skips its tests."""
    try:
        return [pytest.param(assets, id=version_of(assets)) for assets in find_versions()]
    except AssetsNotFoundError as error:
        return [pytest.param(None, id="real", marks=pytest.mark.skip(reason=str(error)))]


def newest_version() -> "list[ParameterSet]":
    """The last of them alone, for tests that are expensive or do not depend on the version."""
    return each_version()[-1:]
