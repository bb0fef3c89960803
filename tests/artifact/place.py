"""Where `make test-artifact` puts the built artefact, and what runs it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.artifact.built import BuiltFunctions
from tests.artifact.process import HANDLER, Runtime

ROOT = Path(__file__).parents[2]
PROBE, PROBE_HANDLER, MODULES = Path(__file__).parent / "probe", "probe.lambda_handler", "modules"
"""Where the probe is, how it is started, and the event that it answers itself."""

_ARTIFACT = ROOT / ".aws-sam" / "artifact"
_RUNTIME_CLIENT = ROOT / ".aws-sam" / "runtime-client"
_VERSION = "3.13"


class NotThereError(Exception):
    """One line: what is missing, and how to get it."""


def built_functions(*, more: Sequence[Path] = (), handler: str = HANDLER) -> BuiltFunctions:
    """The functions of the artefact. Raises NotThereError."""
    if not _ARTIFACT.is_dir():
        raise NotThereError(f"{_ARTIFACT} is not there: run make test-artifact")
    return BuiltFunctions(_ARTIFACT, runtime(), more=more, handler=handler)


def runtime() -> Runtime:
    """Raises NotThereError."""
    if not _RUNTIME_CLIENT.is_dir():
        raise NotThereError(f"{_RUNTIME_CLIENT} is not there: run make test-artifact")
    return Runtime(_python(), _RUNTIME_CLIENT)


def _python() -> Path:
    name = os.environ.get("PYTHON313") or f"python{_VERSION}"
    path = shutil.which(name)
    # pyenv's shim is there whether or not it runs.
    if path is None or _version(path) != _VERSION:
        raise NotThereError(f"{name} is no Python {_VERSION}, Lambda's: install it, or name it in PYTHON313")
    return Path(path)


def _version(python: str) -> str:
    told = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(told, capture_output=True, text=True, check=False).stdout.strip()
