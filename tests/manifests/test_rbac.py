"""Who may do what: whole rules are compared, so that nothing more can hide in one of them."""

from typing import Any

from tests.support.kustomize import Manifests

RBAC = "rbac.authorization.k8s.io"
RULES = {
    "csr-watcher": [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests"],
            "verbs": ["list", "watch"],
        },
    ],
    "csr-approver": [
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests"],
            "verbs": ["get"],
        },
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["certificatesigningrequests/approval"],
            "verbs": ["update"],
        },
        {
            "apiGroups": ["certificates.k8s.io"],
            "resources": ["signers"],
            "resourceNames": ["kubernetes.io/kubelet-serving"],
            "verbs": ["approve"],
        },
    ],
}
SUBJECTS = {
    "csr-watcher": [{"kind": "ServiceAccount", "name": "csr-watcher", "namespace": "csr-approver"}],
    "csr-approver": [{"kind": "Group", "name": "csr-approver", "apiGroup": RBAC}],
}


def by_name(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in documents}


def test_the_roles_have_these_rules_and_no_others(manifests: Manifests) -> None:
    roles = by_name(manifests.of("ClusterRole", "Role"))
    assert {name: role["rules"] for name, role in roles.items()} == RULES
    assert {role["kind"] for role in roles.values()} == {"ClusterRole"}


def test_each_role_is_bound_to_its_one_subject(manifests: Manifests) -> None:
    bindings = by_name(manifests.of("ClusterRoleBinding", "RoleBinding"))
    assert {name: binding["subjects"] for name, binding in bindings.items()} == SUBJECTS
    for name, binding in bindings.items():
        assert binding["kind"] == "ClusterRoleBinding"
        assert binding["roleRef"] == {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}


def test_no_role_takes_or_gives_rules_by_aggregation(manifests: Manifests) -> None:
    for role in manifests.of("ClusterRole"):
        assert role.keys() == {"apiVersion", "kind", "metadata", "rules"}
        assert role["metadata"].keys() == {"name", "labels"}
        assert not [label for label in role["metadata"]["labels"] if RBAC in label]


def test_only_the_watchers_pods_are_given_the_accounts_token(manifests: Manifests) -> None:
    account = manifests.one("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert manifests.pod["spec"]["automountServiceAccountToken"] is True
    assert manifests.pod["spec"]["serviceAccountName"] == account["metadata"]["name"] == "csr-watcher"
    assert account["metadata"]["namespace"] == "csr-approver"
