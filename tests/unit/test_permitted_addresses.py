"""Which addresses are the node's own, at the edges that EC2 hardly ever shows."""

from collections.abc import Callable
from typing import Any

import pytest

from csr_approver.policy.verdict import Approve
from tests.support.offline import Offline
from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request
from tests.support.worlds import with_instance

IPV6 = "2600:1f14:aa:5::1"
NEIGHBOUR = "2600:1f14:aa:9::9"


def verdict_of(change: Callable[[dict[str, Any], dict[str, Any]], object], asked: str = IPV6, **settings: str) -> str:
    """With the instance and its device-0 interface changed."""

    def change_both(instance: dict[str, Any]) -> None:
        change(instance, instance["NetworkInterfaces"][0])

    world = with_instance(change_both)
    verdict = Offline(world, **settings).verdict(signing_request(NODE_NAME, asked))
    return type(verdict).__name__


def addresses(interface: dict[str, Any], *ipv6: str) -> None:
    interface["Ipv6Addresses"] = [{"Ipv6Address": address, "IsPrimaryIpv6": False} for address in ipv6]


def other_interface(*ipv6: str) -> dict[str, Any]:
    return {
        "Attachment": {"DeviceIndex": 1, "NetworkCardIndex": 0, "Status": "attached"},
        "VpcId": "vpc-0a1b2c3d4e5f60718",
        "PrivateIpAddresses": [],
        "Ipv6Addresses": [{"Ipv6Address": address} for address in ipv6],
    }


def test_the_only_ipv6_address_of_the_interface_is_approved() -> None:
    assert verdict_of(lambda _, interface: addresses(interface, IPV6)) == Approve.__name__


def test_of_two_ipv6_addresses_the_instances_own_is_approved() -> None:
    def change(instance: dict[str, Any], interface: dict[str, Any]) -> None:
        addresses(interface, IPV6, NEIGHBOUR)
        instance["Ipv6Address"] = IPV6

    assert verdict_of(change) == "Approve"
    assert verdict_of(change, NEIGHBOUR) == "Deny"


def _in_own_prefix(_: dict[str, Any], interface: dict[str, Any]) -> None:
    addresses(interface, IPV6)
    interface["Ipv6Prefixes"] = [{"Ipv6Prefix": "2600:1f14:aa:5::/80"}]


def _instance_address_in_prefix(instance: dict[str, Any], interface: dict[str, Any]) -> None:
    _in_own_prefix(instance, interface)
    instance["Ipv6Address"] = IPV6


def _on_other_interface(instance: dict[str, Any], _: dict[str, Any]) -> None:
    instance["NetworkInterfaces"].append(other_interface(IPV6))
    instance["Ipv6Address"] = IPV6


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_in_own_prefix, id="that lies in a delegated prefix"),
        pytest.param(_instance_address_in_prefix, id="of the instance that lies in a delegated prefix"),
        pytest.param(_on_other_interface, id="of the instance that only another interface lists"),
        pytest.param(
            lambda instance, _: instance.update(Ipv6Address=IPV6), id="of the instance that no interface lists"
        ),
    ],
)
def test_an_ipv6_address_is_denied(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    assert verdict_of(change) == "Deny"


def test_another_interfaces_ipv6_address_is_approved_with_interfaces_all() -> None:
    assert verdict_of(_on_other_interface, interfaces="all") == "Approve"


def test_an_ipv4_address_in_the_place_of_the_ipv6_address_is_denied() -> None:
    assert verdict_of(lambda instance, _: instance.update(Ipv6Address="10.0.1.24"), "10.0.1.24") == "Deny"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda instance, _: instance.update(NetworkInterfaces=[]), id="no interface at all"),
        pytest.param(lambda _, interface: interface["Attachment"].update(DeviceIndex=None), id="no device 0"),
    ],
)
def test_without_a_primary_interface_nothing_is_disproved(
    change: Callable[[dict[str, Any], dict[str, Any]], None],
) -> None:
    assert verdict_of(change, "10.0.1.23") == "Undetermined"


def test_a_network_card_index_of_null_is_card_zero() -> None:
    change = verdict_of(lambda _, interface: interface["Attachment"].update(NetworkCardIndex=None), "10.0.1.23")
    assert change == "Approve"


def test_a_node_named_by_its_id_in_a_custom_domain_is_found_without_a_session() -> None:
    name = f"{INSTANCE_ID}.corp.example"
    request = signing_request(name, "10.0.1.23", node_name=name, instance_id=None)
    verdict = Offline(None, instance_binding="prefer", custom_domains="corp.example").verdict(request)
    assert [finding.reason for finding in getattr(verdict, "findings", ())] == ["NameNotInDns"]
