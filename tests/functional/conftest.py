"""What every functional test may ask for."""

import os
from pathlib import Path

import pytest

from csr_approver.settings import ENVIRONMENT_PREFIX
from tests.support.command import Command


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The operator's command, on a machine that has no configuration at all."""
    for name in os.environ:
        if name.startswith((ENVIRONMENT_PREFIX, "AWS_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Command(capsys, tmp_path)
