"""What goes into the watcher's image."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kustomize import Manifests

PROJECT = Path(__file__).parents[2]
DOCKERFILE = PROJECT / "watcher/Dockerfile"
INSTRUCTIONS = DOCKERFILE.read_text().splitlines()
SOURCES = [line.split()[1] for line in INSTRUCTIONS if re.match(r"COPY (?!--from)", line)]


def requirements(folder: str) -> dict[str, str]:
    """The pins of a requirements.txt, with the hashes that belong to each."""
    text = (PROJECT / folder / "requirements.txt").read_text()
    return dict(re.findall(r"^(\S[^\\\n]*)((?:\\?\n .*)*)", text, re.MULTILINE))


def test_hadolint_has_no_objection() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("no hadolint (the dev group has it, for most platforms)")
    linted = subprocess.run([hadolint, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_what_is_copied_is_there_and_let_through() -> None:
    let_through = (PROJECT / "watcher/Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(SOURCES) == sorted(line[1:] for line in let_through if line.startswith("!"))
    for source in SOURCES:
        assert (PROJECT / source).exists(), source


def test_its_user_and_port_are_those_of_the_pods(manifests: Manifests) -> None:
    context = manifests.pod["spec"]["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in INSTRUCTIONS
    assert f"EXPOSE {manifests.container['ports'][0]['containerPort']}" in INSTRUCTIONS


def test_every_requirement_is_pinned_and_hashed() -> None:
    for pin, hashes in requirements("watcher").items():
        assert re.match(r"[a-z0-9-]+==\S+ ", pin), pin
        assert "--hash=sha256:" in hashes, pin


def test_the_pins_are_the_layers_except_for_the_metrics_library() -> None:
    own, layers = requirements("watcher"), requirements("layers/csr_approver")
    (added,) = own.keys() - layers.keys()
    assert added.startswith("prometheus-client==")


def test_the_watcher_reads_no_certificates_and_asks_no_dns() -> None:
    names = {pin.partition("==")[0] for pin in requirements("watcher")}
    assert names.isdisjoint({"cryptography", "dnspython"})
