"""`csr-approver replay`: the samples in events/ end as they say, and the command notices when one does not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from csr_approver_local.replay import play
from csr_approver_local.samples import Sample, find_samples
from tests.support.command import Command
from tests.support.worlds import WORLD_FOLDER

EVENTS = WORLD_FOLDER.parent
COLUMNS = ["event", "node", "asked", "verdict", "reasons", "written", "recorded", "milliseconds", "problem"]


@pytest.mark.parametrize("folder", find_samples([EVENTS]), ids=lambda folder: folder.name)
def test_the_sample_ends_as_it_says(folder: Path) -> None:
    sample = Sample.load(folder)
    rows = play(sample)
    assert len(rows) == len(sample.expectations)
    assert [row.problem for row in rows] == [None] * len(rows)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder with two samples that may be changed, and the world that they play in."""
    for name in ("world", "01-private-node", "10-other-nodes-address"):
        shutil.copytree(EVENTS / name, tmp_path / "events" / name)
    return tmp_path / "events"


def test_a_folder_of_samples_is_played_and_summed_up(command: Command, copied: Path) -> None:
    ran = command.run("replay", str(copied))
    heading, first, second, empty, summary = ran.out.splitlines()
    assert ran.status == 0
    assert heading.split() == ["EVENT", "NODE", "ASKS", "FOR", "VERDICT", "REASONS", "WRITTEN", "RECORDED", "MS"]
    assert first.split()[0] == "01-private-node"
    assert "AddressNotOfInstance" in second
    assert empty == ""
    assert summary.startswith("2 of 2 requests ended as their sample says (1 Approve, 1 Deny) in ")


@pytest.mark.parametrize("path", ["01-private-node", "01-private-node/event.json"])
def test_one_sample_is_played_by_its_folder_or_its_event(command: Command, copied: Path, path: str) -> None:
    ran = command.run("replay", str(copied / path), "--output", "json")
    row = json.loads(ran.out)
    assert (ran.status, list(row)) == (0, COLUMNS)
    del row["milliseconds"]
    assert row == {
        "event": "01-private-node",
        "node": "ip-10-0-1-23.us-west-2.compute.internal",
        "asked": ["ip-10-0-1-23.us-west-2.compute.internal", "10.0.1.23"],
        "verdict": "Approve",
        "reasons": [],
        "written": "Approved",
        "recorded": 0,
        "problem": None,
    }


def test_a_sample_that_ends_otherwise_fails_the_replay(command: Command, copied: Path) -> None:
    sample = copied / "01-private-node" / "sample.yaml"
    sample.write_text(sample.read_text().replace("verdict: Approve", "verdict: Deny"))
    ran = command.run("replay", str(copied))
    assert ran.status == 1
    assert "<- verdict is Approve, must be Deny" in ran.out
    assert "1 of 2 requests ended as their sample says" in ran.out


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(shutil.rmtree, "holds no sample", id="that is missing"),
        pytest.param(lambda folder: (folder / "sample.yaml").unlink(), "holds no sample", id="without sample.yaml"),
        pytest.param(lambda folder: (folder / "event.json").unlink(), "event.json", id="without event.json"),
        pytest.param(lambda folder: (folder / "csr.json").unlink(), "csr.json", id="without csr.json"),
        pytest.param(lambda folder: (folder / "csr.json").write_text("{"), "csr.json", id="with a broken request"),
        pytest.param(lambda folder: (folder / "event.json").write_text("{}"), "is no sample", id="with an empty event"),
        pytest.param(
            lambda folder: (folder / "sample.yaml").write_text("[]"), "is no sample", id="that expects nothing"
        ),
        pytest.param(
            lambda folder: (folder / "sample.yaml").write_text("title: x\nexpect: {}\nsetting: {}\n"),
            "unknown key setting",
            id="with a misspelt key",
        ),
        pytest.param(lambda folder: shutil.rmtree(folder.parent / "world"), "cluster.json", id="without a world"),
        pytest.param(
            lambda folder: (folder / "zone.db").write_text("x A 1\n"), "zone.db:1", id="with an error in its zone"
        ),
    ],
)
def test_a_folder_that_is_no_sample_is_told_in_one_line(
    command: Command, copied: Path, change: Callable[[Path], object], word: str
) -> None:
    folder = copied / "01-private-node"
    change(folder)
    ran = command.run("replay", str(folder))
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert word in ran.err
