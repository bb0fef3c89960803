"""What the overlays add to the base, and what a user adds to them."""

import copy
import os
import re
import shutil
from pathlib import Path

import yaml

from csr_watcher import __version__
from tests.support.kustomize import DEPLOY, OVERLAYS, Manifests, render

BASE = [
    ("Namespace", "csr-approver"),
    ("ServiceAccount", "csr-watcher"),
    ("ClusterRole", "csr-approver"),
    ("ClusterRole", "csr-watcher"),
    ("ClusterRoleBinding", "csr-approver"),
    ("ClusterRoleBinding", "csr-watcher"),
    ("ConfigMap", "csr-watcher"),
    ("Service", "csr-watcher"),
    ("StatefulSet", "csr-watcher"),
    ("PodDisruptionBudget", "csr-watcher"),
    ("NetworkPolicy", "csr-watcher"),
]
ADDED = {"irsa": [], "pod-identity": [("NetworkPolicy", "csr-watcher-pod-identity")]}
CONTENT_HASH = re.compile(r"-[a-z0-9]{10}$")
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


def test_an_overlay_has_these_objects_and_no_others(manifests: Manifests, overlay: str) -> None:
    names = [(document["kind"], document["metadata"]["name"]) for document in manifests.documents]
    assert [(kind, CONTENT_HASH.sub("", name)) for kind, name in names] == BASE + ADDED[overlay]


def test_everything_that_can_be_is_in_the_namespace(manifests: Manifests) -> None:
    for document in manifests.documents:
        cluster_wide = document["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding")
        assert document["metadata"].get("namespace") == (None if cluster_wide else "csr-approver")


def test_everything_can_be_found_by_its_labels(manifests: Manifests) -> None:
    for document in manifests.documents:
        labels = document["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "eks-csr-approver"
        assert labels["app.kubernetes.io/name"] in ("csr-watcher", "csr-approver")


def test_the_overlays_differ_in_the_way_to_credentials_only() -> None:
    pod_identity, irsa = (copy.deepcopy(render(DEPLOY / "overlays" / name).documents) for name in OVERLAYS)
    annotations = Manifests(irsa).one("ServiceAccount")["metadata"].pop("annotations")
    assert annotations.keys() == {ROLE_ANNOTATION}
    assert pod_identity[: len(BASE)] == irsa


def test_the_folder_itself_is_the_overlay_for_pod_identity() -> None:
    assert render(DEPLOY).documents == render(DEPLOY / "overlays/pod-identity").documents


def test_the_pod_monitor_is_there_once_its_lines_are_uncommented(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path, dirs_exist_ok=True)
    kustomization = tmp_path / "kustomization.yaml"
    text = kustomization.read_text()
    kustomization.write_text(text.replace("# components:\n#   -", "components:\n  -"))
    with_metrics = render(tmp_path)
    monitor = with_metrics.one("PodMonitor")
    assert [document for document in with_metrics.documents if document != monitor] == render(DEPLOY).documents
    assert monitor["metadata"]["namespace"] == "csr-approver"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= with_metrics.pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": with_metrics.container["ports"][0]["name"], "path": "/metrics"}


def test_a_users_own_overlay_sets_everything_that_is_his(tmp_path: Path) -> None:
    own = {
        "namespace": "kube-certificates",
        "resources": [os.path.relpath(DEPLOY / "overlays/irsa", tmp_path.resolve())],
        "components": [os.path.relpath(DEPLOY / "components/pod-monitor", tmp_path.resolve())],
        "configMapGenerator": [
            {"name": "csr-watcher", "behavior": "merge", "literals": ["CSR_WATCHER_CLUSTER=production"]},
        ],
        "images": [{"name": "registry.example/csr-watcher", "newName": "mine/csr-watcher", "newTag": "1"}],
        "patches": [
            {
                "target": {"kind": "ServiceAccount", "name": "csr-watcher"},
                "patch": yaml.safe_dump(
                    [{"op": "replace", "path": "/metadata/annotations/eks.amazonaws.com~1role-arn", "value": "mine"}]
                ),
            },
        ],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    manifests = render(tmp_path)
    assert manifests.container["image"] == "mine/csr-watcher:1"
    assert manifests.one("ConfigMap")["data"] == {"CSR_WATCHER_CLUSTER": "production", "CSR_WATCHER_QUEUE_URL": ""}
    assert manifests.one("ServiceAccount")["metadata"]["annotations"] == {ROLE_ANNOTATION: "mine"}
    assert manifests.one("Namespace")["metadata"]["name"] == "kube-certificates"
    assert manifests.one("PodMonitor")["metadata"]["namespace"] == "kube-certificates"
    # Left behind in the old namespace, the right would be anybody's who makes an account of that name there.
    _, binding = manifests.of("ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "csr-watcher", "namespace": "kube-certificates"}]


def test_the_tag_is_this_version_and_set_in_one_place(manifests: Manifests) -> None:
    assert manifests.container["image"] == f"registry.example/csr-watcher:{__version__}"
    tagged = [path for path in DEPLOY.rglob("*.yaml") if "newTag" in path.read_text()]
    assert tagged == [DEPLOY / "base/kustomization.yaml"]
