"""A list of names and addresses is approved if EC2 gives each of them to the node that asks, and never otherwise."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csr_approver.policy.verdict import Approve, Deny
from tests.support.offline import Offline
from tests.support.requests import pem, pkcs10, signing_request


class Node(NamedTuple):
    """A node of events/world, with what `aws ec2 describe-instances` says there that it may be called."""

    instance_id: str
    name: str
    own: frozenset[str]


NODES = (
    Node(
        "i-0123456789abcdef0",
        "ip-10-0-1-23.us-west-2.compute.internal",
        frozenset({"ip-10-0-1-23.us-west-2.compute.internal", "10.0.1.23"}),
    ),
    Node(
        "i-0123456789abcdef6",
        "ip-10-0-1-24.us-west-2.compute.internal",
        frozenset(
            {
                "ip-10-0-1-24.us-west-2.compute.internal",
                "ec2-54-186-12-34.us-west-2.compute.amazonaws.com",
                "10.0.1.24",
                "54.186.12.34",
            }
        ),
    ),
    Node(
        "i-0123456789abcdef2",
        "i-0123456789abcdef2",
        frozenset(
            {
                "i-0123456789abcdef2",
                "i-0123456789abcdef2.us-west-2.compute.internal",
                "10.0.1.28",
                "2600:1f14:aa:bb00::17",
            }
        ),
    ),
)
EVERYBODYS = sorted(frozenset().union(*(node.own for node in NODES)))
NOBODYS = (
    "10.0.1.99",  # a secondary address of the first node
    "172.20.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "fd00:ec2::254",
    "kubernetes.default.svc",
    "localhost",
    "0123456789abcdef0123456789abcdef.gr7.us-west-2.eks.amazonaws.com",
    "*.us-west-2.compute.internal",
    "ip-10-0-1-23",
    "ip-10-0-1-23.ec2.internal",
    "i-0123456789abcdef0",
    "ip-10-0-1-23.us-west-2.compute.internal.example.com",
    "xip-10-0-1-23.us-west-2.compute.internal",
    "us-west-2.compute.internal",
)
ANY_NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.*_ ", min_size=1, max_size=40).filter(
    lambda name: not name.replace(".", "").isdigit()
)
ANYTHING = st.one_of(st.sampled_from(EVERYBODYS), st.sampled_from(NOBODYS), ANY_NAME, st.ip_addresses().map(str))
SPELLINGS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.upper, lambda name: f"{name}."])
OFFLINE = Offline()


def verdict(node: Node, asked: list[str]) -> object:
    content = pem(pkcs10(*asked, node_name=node.name).der())
    return OFFLINE.verdict(signing_request(node_name=node.name, instance_id=node.instance_id, content=content))


def canonical(asked: str) -> str:
    return asked.lower().removesuffix(".")


@settings(max_examples=400)
@given(st.sampled_from(NODES), st.lists(ANYTHING, min_size=1, max_size=6))
def test_a_list_is_approved_only_if_all_of_it_is_the_nodes_own(node: Node, asked: list[str]) -> None:
    own = {canonical(name) for name in asked} <= node.own
    assert isinstance(verdict(node, asked), Approve if own else Deny)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(NODES), ANYTHING)
def test_one_stranger_among_the_nodes_own_is_enough(data: st.DataObject, node: Node, stranger: str) -> None:
    assume(canonical(stranger) not in node.own)
    asked = data.draw(st.permutations([*sorted(node.own), stranger]))
    assert isinstance(verdict(node, asked), Deny)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(NODES))
def test_any_part_of_what_is_the_nodes_own_is_approved(data: st.DataObject, node: Node) -> None:
    asked = data.draw(st.lists(st.sampled_from(sorted(node.own)), min_size=1, max_size=8))
    spelt = [name if is_address(name) else data.draw(SPELLINGS)(name) for name in asked]
    assert isinstance(verdict(node, spelt), Approve)


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
