"""`csr-approver doctor` on a real API server with the shipped rights: reviews and a dry run say what RBAC says."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csr_approver_local.system import System
from tests.api_client import ApiClient
from tests.functional.conftest import command, system
from tests.integration.plane import RBAC, Plane
from tests.support.command import Command
from tests.support.requests import kubelet_object

__all__ = ["command", "system"]

RIGHTS = "rights in the cluster"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


@pytest.fixture
def admin(plane: Plane) -> Iterator[ApiClient]:
    with plane.control.client("admin") as admin:
        yield admin


@pytest.fixture
def pending(admin: ApiClient) -> Iterator[str]:
    """A request that nobody has decided."""
    spec = kubelet_object("a-private-only-pending")["spec"]
    kept = {key: spec[key] for key in ("request", "signerName", "usages")}
    created = admin.create({"metadata": {"generateName": "csr-"}, "spec": kept})
    assert created.status == 201
    name = created.body["metadata"]["name"]
    yield name
    admin.delete(name)


def rights(command: Command, plane: Plane, folder: Path, wrong: set[str]) -> dict[str, dict[str, str]]:
    """The lines about rights, by check, once these are wrong: the authorizer learns of a change a moment later."""
    path = folder / "kubeconfig"
    path.write_text(json.dumps(plane.control.kubeconfig(plane.control.token("admin"))))
    deadline = time.monotonic() + 20
    while True:
        ran = command.run("doctor", "--kubeconfig", str(path), "--output", "json")
        found = {line["check"]: line for line in json.loads(ran.out) if line["section"] == RIGHTS}
        if {check for check, line in found.items() if line["state"] == "wrong"} == wrong:
            return found
        assert time.monotonic() < deadline, found


def test_the_shipped_rights_are_well(
    command: Command, system: System, plane: Plane, admin: ApiClient, pending: str, tmp_path: Path
) -> None:
    before = admin.get(pending).body
    found = rights(command, plane, tmp_path, set())
    assert {check: line["state"] for check, line in found.items()} == dict.fromkeys(
        ("approver may", "approver may no more", "approval", "watcher may", "watcher may no more"), "ok"
    )
    assert pending in found["approval"]["detail"]
    assert admin.get(pending).body == before


@pytest.mark.usefixtures("system", "pending")
def test_a_right_too_many_is_found(command: Command, plane: Plane, admin: ApiClient, tmp_path: Path) -> None:
    binding: dict[str, Any] = {
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view-secrets"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "csr-approver"}],
    }
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
    assert (
        admin.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "view-secrets"}, "rules": [rule]}).status
        == 201
    )
    assert admin.call("POST", f"{RBAC}/clusterrolebindings", binding).status == 201
    try:
        found = rights(command, plane, tmp_path, {"approver may no more"})["approver may no more"]
    finally:
        admin.call("DELETE", f"{RBAC}/clusterrolebindings/too-much")
        admin.call("DELETE", f"{RBAC}/clusterroles/view-secrets")
    assert "list secrets" in found["detail"]


@pytest.mark.usefixtures("system", "pending")
def test_without_the_approvers_role_the_dry_run_is_refused(
    command: Command, plane: Plane, admin: ApiClient, tmp_path: Path
) -> None:
    path = f"{RBAC}/clusterrolebindings/csr-approver"
    binding = admin.call("GET", path).body
    assert admin.call("DELETE", path).status == 200
    try:
        found = rights(command, plane, tmp_path, {"approver may", "approval"})
    finally:
        kept = {key: binding[key] for key in ("roleRef", "subjects")}
        again = admin.call("POST", f"{RBAC}/clusterrolebindings", {"metadata": {"name": "csr-approver"}, **kept})
    assert again.status == 201
    assert "kubectl apply -k watcher/deploy" in found["approval"]["mend"]
