"""The pods are "restricted", and their namespace takes no others."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.manifests.pod_security import violations
from tests.support.kustomize import Manifests

Spoil = Callable[[dict[str, Any]], object]


def test_the_pods_are_restricted(manifests: Manifests) -> None:
    assert violations(manifests.pod["spec"]) == set()


def test_the_namespace_takes_only_restricted_pods(manifests: Manifests) -> None:
    labels = manifests.one("Namespace")["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}


def test_the_root_filesystem_is_read_only_and_nothing_else_is_mounted(manifests: Manifests) -> None:
    assert manifests.container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "volumes" not in manifests.pod["spec"]


def in_pod(**changes: object) -> Spoil:
    return lambda spec: spec.update(changes)


def in_context(**changes: object) -> Spoil:
    return lambda spec: spec["containers"][0]["securityContext"].update(changes)


@pytest.mark.parametrize(
    ("spoil", "control"),
    [
        (in_pod(hostNetwork=True), "Host Namespaces"),
        (in_pod(hostPID=True), "Host Namespaces"),
        (in_pod(volumes=[{"name": "node", "hostPath": {"path": "/"}}]), "Volume Types"),
        (in_pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}), "Running as Non-root"),
        (in_pod(securityContext={"runAsNonRoot": True}), "Seccomp"),
        (in_context(runAsUser=0), "Running as Non-root user"),
        (in_context(seccompProfile={"type": "Unconfined"}), "Seccomp"),
        (in_context(privileged=True), "Privileged Containers"),
        (in_context(allowPrivilegeEscalation=True), "Privilege Escalation"),
        (in_context(capabilities={"drop": ["NET_RAW"]}), "Capabilities"),
        (in_context(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}), "Capabilities"),
        (in_context(procMount="Unmasked"), "/proc Mount Type"),
        (lambda spec: spec["containers"][0]["ports"][0].update(hostPort=8080), "Host Ports"),
        (lambda spec: spec.update(initContainers=[{"securityContext": {"privileged": True}}]), "Privileged Containers"),
    ],
)
def test_the_checks_find_what_is_not_restricted(spoil: Spoil, control: str, manifests: Manifests) -> None:
    spec = copy.deepcopy(manifests.pod["spec"])
    spoil(spec)
    assert control in violations(spec)
