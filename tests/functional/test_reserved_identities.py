"""Names and addresses that are never a node's, whatever EC2 and DNS say of them (DESIGN section 3, form)."""

from functools import partial

import pytest

from csr_approver.policy.reason import Reason
from tests.support.crafted import naming
from tests.support.der import dns_name, ip_name
from tests.support.endings import APPROVED, Played, Row, check, denied, play
from tests.support.requests import ADDRESS, NODE_NAME, signing_request

RESERVED = denied(Reason.RESERVED_IDENTITY)
NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "KUBERNETES.default.svc.",
    "kubernetes.us-west-2.compute.internal",
    "localhost",
    "api.default.svc",
    "svc",
    "svc.cluster.local",
    "cluster.local",
    "abc.gr7.us-west-2.eks.amazonaws.com",
    "abc.yl4.cn-north-1.eks.amazonaws.com.cn",
    "eks.us-west-2.api.aws",
    "api.demo.example",
)
ADDRESSES = {
    "the API server's loopback": "127.0.0.1",
    "another loopback address": "127.9.9.9",
    "the IPv6 loopback": "::1",
    "the metadata service": "169.254.169.254",
    "a link-local IPv6 address": "fe80::1",
    "the metadata service over IPv6": "fd00:ec2::254",
    "the unspecified address": "0.0.0.0",
    "the unspecified IPv6 address": "::",
    "a multicast address": "224.0.0.1",
    "a multicast IPv6 address": "ff02::1",
    "the Service of the API server": "172.20.0.1",
    "the last Service address": "172.20.255.255",
    "an IPv6 Service address": "fd12:3456::1",
}
ROWS: dict[str, Row] = {
    "the node's own name and address": (signing_request, APPROVED),
    **{name: (partial(naming, dns_name(NODE_NAME), dns_name(name)), RESERVED) for name in NAMES},
    **{what: (partial(naming, ip_name(ADDRESS), ip_name(ip)), RESERVED) for what, ip in ADDRESSES.items()},
    # Only alike: they are not reserved, and EC2 does not give them either.
    **{
        name: (partial(naming, dns_name(name)), denied(Reason.NAME_NOT_OF_INSTANCE))
        for name in ("kubernetes-2", "localhost.example", "svc.example", "mycluster.local", "api.aws.example")
    },
    "the address after the last Service": (
        lambda: naming(ip_name("172.21.0.0")),
        denied(Reason.ADDRESS_NOT_OF_INSTANCE),
    ),
}
STATED = {"cluster-endpoint": "https://API.demo.example:443/", "service-cidrs": "172.20.0.0/16,fd12:3456::/108"}


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS, settings=STATED)


@pytest.mark.parametrize("sentence", ROWS)
def test_no_node_gets_an_identity_of_the_cluster(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_reserved_identity_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param({"cluster-endpoint": ADDRESS}, id="it is the API server's"),
        pytest.param({"service-cidrs": "10.0.1.0/24"}, id="Services have its network"),
    ],
)
def test_the_nodes_own_address_is_refused_if(setting: dict[str, str]) -> None:
    rows: dict[str, Row] = {
        "its name": (lambda: naming(dns_name(NODE_NAME)), APPROVED),
        "it": (signing_request, RESERVED),
    }
    endings = play(rows, settings=setting).endings
    assert endings == {sentence: ending for sentence, (_, ending) in rows.items()}
