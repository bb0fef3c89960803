"""What the watcher may talk to, and who to it."""

from collections.abc import Mapping
from typing import Any

from tests.support.kustomize import Manifests


def tcp(*ports: int) -> list[dict[str, object]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
API_SERVER_AND_AWS = {"ports": tcp(443, 6443)}
POD_IDENTITY_AGENT = {
    "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}, {"ipBlock": {"cidr": "fd00:ec2::23/128"}}],
    "ports": tcp(80),
}
EGRESS: Mapping[str, Mapping[str, Any]] = {
    "irsa": {"csr-watcher": [DNS, API_SERVER_AND_AWS]},
    "pod-identity": {"csr-watcher": [DNS, API_SERVER_AND_AWS], "csr-watcher-pod-identity": [POD_IDENTITY_AGENT]},
}


def test_egress_is_this_and_no_more(manifests: Manifests, overlay: str) -> None:
    policies = manifests.of("NetworkPolicy")
    assert {policy["metadata"]["name"]: policy["spec"]["egress"] for policy in policies} == EGRESS[overlay]


def test_ingress_is_health_and_metrics(manifests: Manifests) -> None:
    policy, *others = manifests.of("NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["ingress"] == [{"ports": tcp(8080)}]
    for other in others:
        assert other["spec"]["policyTypes"] == ["Egress"]
