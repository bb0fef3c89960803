"""`audit --tls`: what kubelets present to whoever connects."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from csr_approver_local.kubernetes_api import KubernetesApi
from tests.support.command import Command
from tests.support.kubelets import closed_port, listening, node, of_another_authority, self_signed, without_certificate
from tests.support.requests import NODE_NAME, signing_request

LOOPBACK = ("InternalIP", "127.0.0.1")

_CONTEXTS = {
    "SelfSigned": self_signed,
    "OtherAuthority": of_another_authority,
    "NoCertificate": without_certificate,
}

pytestmark = pytest.mark.usefixtures("system")


@pytest.fixture
def own_port(kubernetes: KubernetesApi) -> int:
    """Where a certificate of the cluster's CA for 127.0.0.1 and localhost is presented: at the API server itself."""
    return urlsplit(kubernetes.url).port or 0


def looked(command: Command, kubeconfig: str, *options: str) -> Any:
    ran = command.run("audit", "--tls", "--all", "--kubeconfig", kubeconfig, "--output", "json", *options)
    assert ran.err == ""
    content = json.loads(ran.out)
    assert ran.status == int(any(content["needsSomebody"].values()))
    (entry,) = content["entries"]
    return entry


def test_a_certificate_that_is_as_it_must_be(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, own_port: int
) -> None:
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, ("Hostname", "LOCALHOST"), port=own_port))
    line = looked(command, kubeconfig)
    assert line["state"] == "Serving"
    assert line["certificate"]["notAfter"]


def test_a_certificate_without_one_of_the_nodes_names(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, own_port: int
) -> None:
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, ("InternalDNS", NODE_NAME), port=own_port))
    line = looked(command, kubeconfig)
    assert (line["state"], line["detail"]) == ("NameMissing", f"presents one without {NODE_NAME}")


@pytest.mark.parametrize(("days", "state"), [(0.7, "Serving"), (0.95, "Expiring"), (1.5, "Expired")])
def test_a_certificate_that_ends(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, own_port: int, days: float, state: str
) -> None:
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=own_port))
    now = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    assert looked(command, kubeconfig, "--now", now)["state"] == state


@pytest.fixture(params=["SelfSigned", "OtherAuthority", "NoCertificate", "refused", "no InternalIP"])
def bad_kubelet(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, Any]]]:
    """The state in which it must be told, and the node."""
    match request.param:
        case "refused":
            yield "Unreachable", node(NODE_NAME, LOOPBACK, port=closed_port())
        case "no InternalIP":
            yield "Unreachable", node(NODE_NAME, ("Hostname", "localhost"))
        case state:
            with listening(_CONTEXTS[state]()) as port:
                yield state, node(NODE_NAME, LOOPBACK, port=port)


def test_kubelets_without_a_serving_certificate(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, bad_kubelet: tuple[str, dict[str, Any]]
) -> None:
    state, document = bad_kubelet
    kubernetes.load_node(document)
    assert looked(command, kubeconfig)["state"] == state


def test_a_kubelet_that_says_nothing(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csr_approver.cli.audit.looking._SECONDS", 0.2)
    with listening(None) as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        line = looked(command, kubeconfig)
    assert line["state"] == "Unreachable"
    assert "does not answer" in line["detail"]


def test_the_request_is_told_first_and_what_is_presented_beside_it(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    kubernetes.load(signing_request("10.0.1.99", age_seconds=600))
    with listening(without_certificate()) as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        line = looked(command, kubeconfig)
    assert line["state"] == "Pending"
    assert "tls: internal error" in line["detail"]


def test_who_may_not_list_nodes_cannot_look(command: Command, kubeconfig: str) -> None:
    ran = command.run("audit", "--tls", "--kubeconfig", kubeconfig, "--context", "lister")
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "needs list on nodes" in ran.err
