"""The manifests against a real kube-apiserver: it takes every field, and gives these rights and no others."""

import copy
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.api_client import Answer, ApiClient
from tests.controlplane import ControlPlane
from tests.support.kustomize import DEPLOY, OVERLAYS, Manifests, find_kubectl, render
from tests.versions import newest_version

WATCHER = "system:serviceaccount:csr-approver:csr-watcher"
NAMESPACES = ("csr-approver", "default", "kube-system")
AUTHORIZATION = "/apis/authorization.k8s.io/v1"


class Kubectl:
    """kubectl as the admin of one cluster."""

    def __init__(self, control_plane: ControlPlane, directory: Path) -> None:
        ca = directory / "ca.crt"
        ca.write_bytes(control_plane.ca_pem)
        self._command = [
            find_kubectl(),
            "--kubeconfig=/dev/null",
            f"--cache-dir={directory / 'cache'}",
            f"--server={control_plane.url}",
            f"--certificate-authority={ca}",
            f"--token={control_plane.token('admin')}",
        ]

    def apply(self, *arguments: str, documents: object = None) -> str:
        """Server-side, with strict field validation. Fails on warnings, too."""
        command = [*self._command, "apply", "--server-side", "--validate=strict", *arguments]
        done = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    return render(DEPLOY)


@pytest.fixture(scope="module", params=newest_version())
def control_plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(request.param, tmp_path_factory.mktemp("controlplane"), {}) as control_plane:
        yield control_plane


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane, manifests: Manifests, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Of a cluster that has the namespace, without which a dry run of what is in it would fail."""
    kubectl = Kubectl(control_plane, tmp_path_factory.mktemp("kubectl"))
    kubectl.apply("--filename=-", documents=manifests.one("Namespace"))
    return kubectl


@pytest.fixture(scope="module")
def admin(control_plane: ControlPlane, kubectl: Kubectl, manifests: Manifests) -> Iterator[ApiClient]:
    """The admin of a cluster where the RBAC objects are in force."""
    items = manifests.of("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
    kubectl.apply("--filename=-", documents={"apiVersion": "v1", "kind": "List", "items": items})
    with control_plane.client("admin") as admin:
        deadline = time.monotonic() + 30
        # The authorizer learns of the objects a moment later.
        while not all(allowed(admin, may) for may in PERMITTED):
            assert time.monotonic() < deadline, "RBAC did not take effect"
            time.sleep(0.05)
        yield admin


@pytest.mark.parametrize("folder", ["", *(f"overlays/{name}" for name in OVERLAYS)])
def test_the_api_server_takes_every_field(folder: str, kubectl: Kubectl) -> None:
    applied = kubectl.apply("--dry-run=server", f"--kustomize={DEPLOY / folder}").splitlines()
    assert len(applied) == len(render(DEPLOY / folder).documents)
    assert all(line.endswith(" serverside-applied (server dry run)") for line in applied)


class May(NamedTuple):
    """Somebody does something. `who`: the watcher's account, or a group that a user is in."""

    who: str
    verb: str
    resource: str
    name: str = ""
    api_group: str = "certificates.k8s.io"


APPROVER = "csr-approver"
CSRS, APPROVAL, STATUS = (f"certificatesigningrequests{part}" for part in ("", "/approval", "/status"))
SERVING, CLIENT = "kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client"
PERMITTED = [
    May(WATCHER, "list", CSRS),
    May(WATCHER, "watch", CSRS),
    May(APPROVER, "get", CSRS, "node-csr-1"),
    May(APPROVER, "update", APPROVAL, "node-csr-1"),
    May(APPROVER, "approve", "signers", SERVING),
]
REFUSED = [
    *(May(WATCHER, verb, CSRS) for verb in ("get", "create", "update", "patch", "delete", "deletecollection")),
    *(May(WATCHER, verb, APPROVAL) for verb in ("get", "update", "patch")),
    *(May(WATCHER, verb, STATUS) for verb in ("get", "update", "patch")),
    *(May(WATCHER, verb, "signers", SERVING) for verb in ("approve", "sign", "attest")),
    *(May(APPROVER, verb, CSRS) for verb in ("list", "watch", "create", "update", "patch", "delete")),
    *(May(APPROVER, verb, APPROVAL) for verb in ("get", "patch")),
    *(May(APPROVER, verb, STATUS) for verb in ("get", "update", "patch")),
    *(May(APPROVER, verb, "signers", SERVING) for verb in ("sign", "attest", "get", "update")),
    *(May(APPROVER, "approve", "signers", name) for name in (CLIENT, "kubernetes.io/*", "", f"{CLIENT}-kubelet")),
    *(May(who, verb, "secrets", api_group="") for who in (WATCHER, APPROVER) for verb in ("get", "list")),
    *(May(who, "impersonate", "users", api_group="") for who in (WATCHER, APPROVER)),
    *(May(who, "create", "serviceaccounts/token", api_group="") for who in (WATCHER, APPROVER)),
    *(May(who, "*", "*", api_group="*") for who in (WATCHER, APPROVER)),
]


def allowed(admin: ApiClient, may: May) -> bool:
    """What the API server would answer."""
    resource, _, subresource = may.resource.partition("/")
    attributes = {
        "group": may.api_group,
        "resource": resource,
        "subresource": subresource,
        "verb": may.verb,
        "name": may.name,
    }
    subject = {"user": may.who} if may.who == WATCHER else {"user": "approver", "groups": [may.who]}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": subject | {"resourceAttributes": attributes},
    }
    return bool(admin.call("POST", f"{AUTHORIZATION}/subjectaccessreviews", review).body["status"]["allowed"])


@pytest.mark.parametrize("may", PERMITTED, ids=" ".join)
def test_what_they_are_for_is_permitted(may: May, admin: ApiClient) -> None:
    assert allowed(admin, may)


@pytest.mark.parametrize("may", REFUSED, ids=" ".join)
def test_everything_else_is_refused(may: May, admin: ApiClient) -> None:
    assert not allowed(admin, may)


def rules(client: ApiClient, namespace: str) -> list[Any]:
    """All that this client may do, by the API server's own account."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    status = client.call("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", review).body["status"]
    assert status["incomplete"] is False
    return [*status["resourceRules"], *status["nonResourceRules"]]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_watcher_has_its_rules_beyond_those_of_every_account(
    namespace: str, admin: ApiClient, manifests: Manifests
) -> None:
    watcher = rules(admin.with_headers(Impersonate_User=WATCHER), namespace)
    other = rules(admin.with_headers(Impersonate_User="system:serviceaccount:csr-approver:other"), namespace)
    _, role = manifests.of("ClusterRole")
    assert [rule for rule in watcher if rule not in other] == role["rules"]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_approvers_group_has_its_rules_beyond_those_of_every_user(
    namespace: str, admin: ApiClient, manifests: Manifests
) -> None:
    approver = rules(admin.with_headers(Impersonate_User="someone", Impersonate_Group=APPROVER), namespace)
    other = rules(admin.with_headers(Impersonate_User="someone", Impersonate_Group="other"), namespace)
    role, _ = manifests.of("ClusterRole")
    assert [rule for rule in approver if rule not in other] == role["rules"]


def create_pod(admin: ApiClient, pod: dict[str, Any]) -> Answer:
    """As the StatefulSet's controller would, but nothing is kept."""
    document = copy.deepcopy(pod) | {"apiVersion": "v1", "kind": "Pod"}
    document["metadata"]["name"] = "csr-watcher-0"
    path = "/api/v1/namespaces/csr-approver/pods"
    return admin.call("POST", path, document, dryRun="All", fieldValidation="Strict")


def test_pod_security_admits_the_pods(admin: ApiClient, manifests: Manifests) -> None:
    answer = create_pod(admin, manifests.pod)
    assert answer.status == 201, answer
    assert answer.body["spec"]["priority"] == 2_000_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"privileged": True, "allowPrivilegeEscalation": True},
        {"allowPrivilegeEscalation": True},
        {"runAsUser": 0},
        {"capabilities": {"drop": ["ALL"], "add": ["SYS_TIME"]}},
    ],
    ids=" and ".join,
)
def test_pod_security_refuses_a_twin_with_more_rights(
    changes: dict[str, object], admin: ApiClient, manifests: Manifests
) -> None:
    twin = copy.deepcopy(manifests.pod)
    twin["spec"]["containers"][0]["securityContext"] |= changes
    answer = create_pod(admin, twin)
    assert answer.refusal == (403, "Forbidden")
    assert 'violates PodSecurity "restricted:latest"' in answer.body["message"]
