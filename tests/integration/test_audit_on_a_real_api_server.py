"""`csr-approver audit` on a real API server: its lists of requests and nodes, and its certificate for a kubelet's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api_client import ApiClient
from tests.functional.conftest import command
from tests.integration.plane import Plane
from tests.support.command import OFFLINE, Command
from tests.support.kubelets import node
from tests.support.requests import kubelet_object

__all__ = ["command"]

NODES = "/api/v1/nodes"
_OPTIONS = [word for pair in OFFLINE.items() for word in pair]


@pytest.fixture
def admin(plane: Plane) -> Iterator[ApiClient]:
    with plane.control.client("admin") as admin:
        yield admin


@pytest.fixture
def kubeconfig(plane: Plane, tmp_path: Path) -> dict[str, Any]:
    document = plane.control.kubeconfig(plane.control.token("admin"))
    (tmp_path / "kubeconfig").write_text(json.dumps(document))
    return document


@pytest.fixture
def request_name(admin: ApiClient) -> Iterator[str]:
    """A request that a person made in a node's name, and nobody decides."""
    spec = kubelet_object("a-private-only-pending")["spec"]
    created = admin.create(
        {
            "metadata": {"generateName": "csr-"},
            "spec": {key: spec[key] for key in ("request", "signerName", "usages")},
        }
    )
    assert created.status == 201
    name = created.body["metadata"]["name"]
    yield name
    admin.delete(name)


@pytest.fixture
def node_name(admin: ApiClient, kubeconfig: dict[str, Any]) -> Iterator[str]:
    """A node at whose address and port the API server itself answers. No other test's request is in its name."""
    port = urlsplit(kubeconfig["clusters"][0]["cluster"]["server"]).port
    document = node("ip-10-0-9-9.us-west-2.compute.internal", ("InternalIP", "127.0.0.1"), port=port)
    name = document["metadata"]["name"]
    del document["metadata"]["uid"], document["metadata"]["creationTimestamp"]
    assert admin.call("POST", NODES, document).status == 201
    yield name
    admin.call("DELETE", f"{NODES}/{name}")


def test_requests_and_nodes_are_found(command: Command, tmp_path: Path, request_name: str, node_name: str) -> None:
    path = str(tmp_path / "kubeconfig")
    ran = command.run("audit", "--all", "--tls", "--kubeconfig", path, *_OPTIONS, "--output", "json")
    assert (ran.status, ran.err) == (1, "")
    entries = json.loads(ran.out)["entries"]
    (asked,) = (entry for entry in entries if entry["request"] == request_name)
    assert (asked["reason"], asked["severity"], asked["requester"]) == ("StrangeRequester", "suspicious", "admin")
    (serving,) = (entry for entry in entries if entry["node"] == node_name and not entry["request"])
    assert (serving["state"], serving["severity"]) == ("Serving", "fine")
