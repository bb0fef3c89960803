"""`explain` by the name of a node: who is on call knows that, and not the name of a request."""

import json
from typing import Any

import pytest

from csr_approver_local.kubernetes_api import KubernetesApi
from tests.support.command import Command, listed
from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request

OTHER = "ip-10-0-1-24.us-west-2.compute.internal"
DENIED = {"conditions": [{"type": "Denied", "status": "True", "reason": "x"}]}


def request(age_seconds: float, **changes: Any) -> dict[str, Any]:
    return signing_request(age_seconds=age_seconds) | changes


def loaded(kubernetes: KubernetesApi, *documents: dict[str, Any]) -> list[str]:
    return [str(kubernetes.load(document)["metadata"]["name"]) for document in documents]


def explained(command: Command, kubeconfig: str, *names: str) -> list[str]:
    """The names of the requests that were explained."""
    ran = command.explain(*names, "--kubeconfig", kubeconfig, "--output", "json")
    assert ran.status == 0, ran.err
    return [json.loads(line)["name"] for line in ran.out.splitlines()]


@pytest.mark.parametrize("name", [NODE_NAME, f"node/{NODE_NAME}", INSTANCE_ID])
def test_the_newest_pending_request_of_the_node_is_explained(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, name: str
) -> None:
    _, newest, *_ = loaded(
        kubernetes,
        request(600),
        request(300),
        request(10, status=DENIED),
        signing_request(node_name=OTHER, instance_id="i-0123456789abcdef6", age_seconds=5),
        request(1, spec=signing_request()["spec"] | {"signerName": "example.com/x"}),
    )
    ran = command.explain(name, "--kubeconfig", kubeconfig, "--output", "json")
    assert json.loads(ran.out)["name"] == newest
    assert ran.err == (
        f"csr-approver: no request is named {name.removeprefix('node/')}: this is {newest},"
        " the newest of the node's 3 (2 pending, 1 decided)\n"
    )


def test_a_node_without_a_pending_request_shows_its_last_decision(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    _, last = loaded(kubernetes, request(600, status=DENIED), request(10, status=DENIED))
    assert explained(command, kubeconfig, NODE_NAME) == [last]


def test_a_request_of_that_name_comes_first(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    document = request(600)
    document["metadata"]["name"] = NODE_NAME
    loaded(kubernetes, document, request(10))
    assert explained(command, kubeconfig, NODE_NAME) == [NODE_NAME]
    assert not [target for _, target, _ in kubernetes.requests if "fieldSelector" in target]


def test_requests_may_be_named_as_kubectl_prints_them(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    names = loaded(kubernetes, request(1), request(2))
    printed = [f"certificatesigningrequest.certificates.k8s.io/{name}" for name in names]
    assert explained(command, kubeconfig, *printed) == names


def test_a_node_that_only_writes_another_nodes_name_is_not_that_node(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    thief = signing_request(node_name=OTHER, age_seconds=1)
    thief["spec"] |= {"username": f"system:node:{NODE_NAME}"}
    (own, _) = loaded(kubernetes, signing_request(node_name=OTHER, instance_id="i-0123456789abcdef6"), thief)
    assert explained(command, kubeconfig, OTHER) == [own]


@pytest.mark.parametrize("name", ["csr-zzzzz", OTHER, "i-0123456789abcdeff"])
def test_a_name_that_nothing_has_is_told(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, name: str
) -> None:
    loaded(kubernetes, request(1))
    ran = command.explain(name, "--kubeconfig", kubeconfig)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    for word in (name, "an hour", "24 h", "kubectl get csr"):
        assert word in ran.err


def test_who_may_not_list_is_told_which_permission_it_takes(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    (name,) = loaded(kubernetes, request(1))
    options = ("--kubeconfig", kubeconfig, "--context", "getter")
    assert command.explain(name, *options).status == 0
    ran = command.explain(NODE_NAME, *options)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "needs list on certificatesigningrequests.certificates.k8s.io" in ran.err


def test_a_node_in_a_file(command: Command) -> None:
    old, new = request(600), request(10)
    path = command.file(listed(new, old))
    ran = command.explain(NODE_NAME, "--csr", path, "--output", "json")
    assert json.loads(ran.out)["name"] == new["metadata"]["name"]
    assert "the node's 2 (2 pending, 0 decided)" in ran.err


def test_a_name_that_nothing_in_a_file_has_is_told(command: Command) -> None:
    ran = command.explain(OTHER, "--csr", command.file(listed(request(1), {}, {"spec": 5})))
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "csr.json" in ran.err
