"""Every sample in events/ ends on the built artefact as it says, and as `make replay` has it."""

from dataclasses import replace
from pathlib import Path

import pytest

from csr_approver_local.replay import Row, play
from csr_approver_local.samples import Sample, find_samples
from tests.artifact.built import BuiltFunctions
from tests.support.worlds import WORLD_FOLDER


@pytest.mark.parametrize("folder", find_samples([WORLD_FOLDER.parent]), ids=lambda folder: folder.name)
def test_the_sample_ends_as_it_says(folder: Path, functions: BuiltFunctions) -> None:
    sample = Sample.load(folder)
    rows = play(sample, load=functions.load)
    assert [row.problem for row in rows] == [None] * len(sample.expectations)
    assert untimed(rows) == untimed(play(sample))


def untimed(rows: list[Row]) -> list[Row]:
    return [replace(row, milliseconds=0) for row in rows]
