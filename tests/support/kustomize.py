"""The manifests in watcher/deploy, as `kubectl kustomize` renders them."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import AssetsNotFoundError, find_assets

DEPLOY = Path(__file__).parents[2] / "watcher/deploy"
OVERLAYS = ("pod-identity", "irsa")


class Manifests:
    """Kubernetes objects, in the order in which they are applied."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """All objects of these kinds."""
        return [document for document in self.documents if document["kind"] in kinds]

    def one(self, kind: str) -> dict[str, Any]:
        """The only object of its kind."""
        (document,) = self.of(kind)
        return document

    @property
    def pod(self) -> dict[str, Any]:
        """The template that the StatefulSet makes its pods from."""
        template: dict[str, Any] = self.one("StatefulSet")["spec"]["template"]
        return template

    @property
    def container(self) -> dict[str, Any]:
        """The pod's only container."""
        container: dict[str, Any]
        (container,) = self.pod["spec"]["containers"]
        return container


def find_kubectl() -> str:
    """The kubectl on PATH, else setup-envtest's. Skips the test where there is none."""
    if on_path := shutil.which("kubectl"):
        return on_path
    with suppress(AssetsNotFoundError):
        beside = find_assets() / "kubectl"
        if beside.is_file():
            return str(beside)
    pytest.skip("no kubectl, on PATH or beside kube-apiserver (`setup-envtest use` installs one)")


def render(folder: Path) -> Manifests:
    """What `kubectl apply -k` would apply. Fails on warnings, too."""
    command = [find_kubectl(), "kustomize", str(folder)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (rendered.returncode, rendered.stderr) == (0, "")
    return Manifests(list(yaml.safe_load_all(rendered.stdout)))
