"""A real kubelet gets its serving certificate through the whole product, and serves with it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kubelet import find_kubelet, own_address, running_kubelet, served_names
from tests.integration.plane import Plane, product
from tests.support.interfaces import interface, with_interfaces
from tests.support.requests import INSTANCE_ID, REGION
from tests.support.worlds import with_document, with_instance
from tests.versions import newest_version
from tests.watcher.harness import wait_until

SECONDS = 30.0


def with_distant_services(document: dict[str, Any]) -> None:
    """In a network that this machine's address is not in, whichever it is: that for benchmarks (RFC 2544)."""
    document["cluster"]["kubernetesNetworkConfig"]["serviceIpv4Cidr"] = "198.18.0.0/15"


@pytest.mark.parametrize("plane", newest_version(), indirect=True)
def test_a_kubelet_gets_its_certificate_and_serves_with_it(plane: Plane, tmp_path: Path) -> None:
    """The instance has this machine's address: a kubelet takes no other."""
    program, address = find_kubelet(plane.assets), own_address()
    node_name = f"ip-{address.replace('.', '-')}.{REGION}.compute.internal"
    booted = with_interfaces(interface(address), PrivateIpAddress=address, PrivateDnsName=node_name)
    world = replace(with_instance(booted), cluster=with_document("cluster", with_distant_services).cluster)
    kubeconfig = plane.control.kubeconfig(plane.control.tokens.token(node_name, INSTANCE_ID))
    client = plane.client_context()

    def requests() -> list[dict[str, Any]]:
        items = admin.list().body["items"]
        return [item for item in items if item["spec"]["username"] == f"system:node:{node_name}"]

    with (
        plane.control.client("admin") as admin,
        running_kubelet(program, tmp_path, kubeconfig, node_name, address) as port,
    ):
        wait_until(requests, SECONDS)
        wait_until(lambda: served_names(port, node_name, client) == set(), SECONDS)
        with product(plane, tmp_path, world) as system:
            wait_until(lambda: served_names(port, node_name, client), SECONDS)
            assert system.denials == []
        for name in (node_name, address):
            assert served_names(port, name, client) == {node_name, address}
        (request,) = requests()
        assert [each["reason"] for each in request["status"]["conditions"]] == ["NodeVerified"]
