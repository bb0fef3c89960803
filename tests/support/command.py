"""`csr-approver` as an operator runs it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from csr_approver.cli.main import main
from tests.support.worlds import WORLD_FOLDER

OFFLINE = {
    "--instances": str(WORLD_FOLDER / "instances.json"),
    "--instance-profiles": str(WORLD_FOLDER / "instance-profiles.json"),
    "--roles": str(WORLD_FOLDER / "roles.json"),
    "--cluster": str(WORLD_FOLDER / "cluster.json"),
    "--zone": str(WORLD_FOLDER / "zone.db"),
}
"""Every source of a verdict as a file."""


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def verdicts(self) -> list[str]:
        """Of `--output json`, in the order of the lines."""
        return [json.loads(line)["verdict"] for line in self.out.splitlines()]


class Command:
    """`csr-approver` in this process, without the settings and the AWS configuration of whoever runs the tests."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys, self._folder = capsys, folder

    def run(self, *arguments: str) -> Ran:
        """Exactly these arguments."""
        try:
            status = main(arguments)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return Ran(status, *self._capsys.readouterr())

    def explain(self, *arguments: str, **files: str) -> Ran:
        """`explain` with every source as a file; `cluster="x.json"` replaces one, an empty string leaves it out."""
        options = OFFLINE | {f"--{name.replace('_', '-')}": path for name, path in files.items()}
        given = [word for option, path in options.items() if path for word in (option, path)]
        return self.run("explain", *given, *arguments)

    def file(self, content: object, name: str = "csr.json") -> str:
        """The path of a new file: text and octets as they are, anything else as JSON."""
        path = self._folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


def listed(*documents: Mapping[str, Any], kind: str = "List") -> dict[str, Any]:
    """As `kubectl get csr -o json` prints several objects."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": ""}, "items": list(documents)}
