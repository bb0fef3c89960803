"""The package, the watcher and the project are of one version: `csr-approver doctor` compares what they tell."""

import tomllib
from pathlib import Path

import csr_approver
import csr_watcher

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_there_is_one_version() -> None:
    assert csr_approver.__version__ == csr_watcher.__version__ == PROJECT["version"]
