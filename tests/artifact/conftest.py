"""What every test of the built artefact may ask for."""

from collections.abc import Iterator

import pytest

from tests.artifact.built import BuiltFunctions
from tests.artifact.place import NotThereError, built_functions, runtime
from tests.artifact.process import Runtime


@pytest.fixture(scope="session", name="runtime")
def lambda_runtime() -> Runtime:
    """What runs the functions; where there is none, the test is skipped."""
    try:
        return runtime()
    except NotThereError as error:
        pytest.skip(str(error))


@pytest.fixture
def functions(runtime: Runtime) -> Iterator[BuiltFunctions]:
    """The built functions, whose processes end with the test."""
    with built_functions() as functions:
        yield functions
