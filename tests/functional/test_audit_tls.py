"""`audit --tls`: what kubelets present to whoever connects."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.pki import new_authority
from tests.support.command import Command, listed
from tests.support.kubelets import (
    closed_port,
    listening,
    node,
    of_another_authority,
    of_authority,
    self_signed,
    without_certificate,
)
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


@pytest.mark.parametrize(("ended", "state"), [(True, "Expired"), (False, "NameMissing")])
def test_an_old_certificate_is_told_from_a_foreign_one(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, ended: bool, state: str
) -> None:
    authority = new_authority("the kubelets' authority")
    path = command.file(authority.certificate_pem, "ca.pem")
    with listening(of_authority(authority, f"system:node:{NODE_NAME}", ended=ended)) as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        assert looked(command, kubeconfig, "--kubelet-ca", path)["state"] == state


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
    with listening(b"") as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        line = looked(command, kubeconfig)
    assert line["state"] == "Unreachable"
    assert "does not answer" in line["detail"]


def test_a_port_that_speaks_something_else(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    with listening(b"HTTP/1.0 400 Bad Request\r\n\r\n") as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        line = looked(command, kubeconfig)
    assert line["state"] == "Unreachable"
    assert "speaks no TLS" in line["detail"]


def test_the_authority_is_the_one_that_is_named(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, own_port: int
) -> None:
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=own_port))
    others = command.file(new_authority("somebody").certificate_pem, "others.pem")
    own = command.file(kubernetes.ca_pem, "own.pem")
    assert looked(command, kubeconfig, "--kubelet-ca", others)["state"] == "OtherAuthority"
    assert looked(command, kubeconfig, "--kubelet-ca", own)["state"] == "Serving"


@pytest.mark.parametrize(
    ("age_seconds", "state", "severity"),
    [
        pytest.param(600, "Pending", "risk", id="it still waits"),
        pytest.param(3600, "Serving", "fine", id="it would have asked again by now"),
    ],
)
def test_a_request_beside_a_good_certificate(
    command: Command,
    kubernetes: KubernetesApi,
    kubeconfig: str,
    own_port: int,
    age_seconds: float,
    state: str,
    severity: str,
) -> None:
    kubernetes.load(signing_request("10.0.1.99", age_seconds=age_seconds))
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=own_port))
    line = looked(command, kubeconfig)
    assert (line["state"], line["severity"]) == (state, severity)
    assert "serves until" in line["detail"]


def test_a_good_certificate_settles_nothing_that_is_suspicious(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, own_port: int
) -> None:
    kubernetes.load(signing_request("kubernetes.default.svc", age_seconds=3600))
    kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=own_port))
    line = looked(command, kubeconfig)
    assert (line["reason"], line["severity"]) == ("ReservedIdentity", "suspicious")


@pytest.mark.parametrize(("age_seconds", "severity"), [(60, "fine"), (3600, "broken")])
def test_a_node_that_is_booting_has_no_certificate_yet(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, age_seconds: float, severity: str
) -> None:
    with listening(without_certificate()) as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port, age_seconds=age_seconds))
        line = looked(command, kubeconfig)
    assert (line["state"], line["severity"]) == ("NoCertificate", severity)


def test_the_request_is_told_first_and_what_is_presented_beside_it(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    kubernetes.load(signing_request("10.0.1.99", age_seconds=600))
    with listening(without_certificate()) as port:
        kubernetes.load_node(node(NODE_NAME, LOOPBACK, port=port))
        line = looked(command, kubeconfig)
    assert line["state"] == "Pending"
    assert "tls: internal error" in line["detail"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--csr", "csr.json"], "give --nodes FILE too", id="no nodes"),
        pytest.param(["--kubelet-ca", "text"], "text: holds no certificate", id="an authority that is none"),
        pytest.param(["--kubelet-ca", "nowhere"], "nowhere: No such file", id="an authority that is not there"),
    ],
)
def test_what_a_look_takes_is_told_in_one_line(
    command: Command,
    kubernetes: KubernetesApi,
    kubeconfig: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    command.file("no certificate", "text")
    kubernetes.load_node(node(NODE_NAME, LOOPBACK))
    ran = command.run("audit", "--tls", "--kubeconfig", kubeconfig, *options)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert words in ran.err


def test_nodes_from_a_file_need_no_cluster_but_an_authority(
    command: Command, kubernetes: KubernetesApi, own_port: int
) -> None:
    nodes = command.file(listed(node(NODE_NAME, LOOPBACK, port=own_port)), "nodes.json")
    options = ("audit", "--tls", "--all", "--csr", command.file(listed()), "--nodes", nodes, "--output", "json")
    without = command.run(*options)
    assert (without.status, without.out, len(without.err.splitlines())) == (2, "", 1)
    assert "or give --kubelet-ca FILE" in without.err
    ran = command.run(*options, "--kubelet-ca", command.file(kubernetes.ca_pem, "ca.pem"))
    assert [entry["state"] for entry in json.loads(ran.out)["entries"]] == ["Serving"]


@pytest.mark.parametrize(
    ("age_seconds", "address", "severity"),
    [
        pytest.param(600, "::1", "broken", id="it waits, and cannot be reached"),
        pytest.param(3600, "::1", "risk", id="it waits no more, and cannot be reached"),
        pytest.param(3600, "127.0.0.1", "broken", id="it waits no more, and has no certificate"),
    ],
)
def test_the_worse_of_request_and_certificate_counts(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, age_seconds: float, address: str, severity: str
) -> None:
    kubernetes.load(signing_request("10.0.1.99", age_seconds=age_seconds))
    with listening(without_certificate()) as port:
        kubernetes.load_node(node(NODE_NAME, ("InternalIP", address), port=port))
        assert looked(command, kubeconfig)["severity"] == severity


def test_who_may_not_list_nodes_cannot_look(command: Command, kubeconfig: str) -> None:
    ran = command.run("audit", "--tls", "--kubeconfig", kubeconfig, "--context", "lister")
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "needs list on nodes" in ran.err
