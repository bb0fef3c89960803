"""The verdict, with all its findings, does not depend on the order in which anybody tells anything."""

import copy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Verdict, findings_of
from csr_approver_local.world import World
from tests.support.offline import Offline
from tests.support.requests import NODE_NAME, pem, pkcs10, signing_request, spec_request
from tests.support.worlds import default_world

PUBLIC_NODE = "ip-10-0-1-24.us-west-2.compute.internal"
SECOND_INTERFACE = {
    "Attachment": {"DeviceIndex": 1, "NetworkCardIndex": 0, "Status": "attached"},
    "VpcId": "vpc-0a1b2c3d4e5f60718",
    "PrivateIpAddresses": [
        {"PrivateIpAddress": "10.0.2.24", "Primary": True},
        {"PrivateIpAddress": "10.0.2.25", "Primary": False},
    ],
}


def busy_world() -> World:
    """The default world, in which the node with a public address has two interfaces and another has its name."""
    instances = copy.deepcopy(dict(default_world().instances))
    for reservation in instances["Reservations"]:
        for instance in list(reservation["Instances"]):
            if instance["InstanceId"] == "i-0123456789abcdef6":
                instance["NetworkInterfaces"].append(SECOND_INTERFACE)
                instance["Tags"] += [
                    {"Key": "kubernetes.io/cluster/other", "Value": "owned"},
                    {"Key": "x", "Value": "y"},
                ]
                reservation["Instances"].append(instance | {"InstanceId": "i-0123456789abcdef8"})
    return replace(default_world(), instances=instances)


def shuffled(value: Any, random: Random) -> Any:
    """The same JSON with every list, and the keys of every object, in another order."""
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: shuffled(value[key], random) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, random) for item in random.sample(value, len(value))]
    return value


def verdict(document: dict[str, Any], names: list[str], world: World) -> Verdict:
    node_name = document["spec"]["username"].removeprefix("system:node:")
    request = spec_request(pem(pkcs10(*names, node_name=node_name).der()))
    offline = Offline(world, instance_binding="prefer", interfaces="all")
    return offline.verdict(document | {"spec": document["spec"] | {"request": request}})


WORLD = busy_world()
REQUESTS = {
    "an approved request": (
        signing_request(node_name=PUBLIC_NODE, instance_id="i-0123456789abcdef6"),
        [PUBLIC_NODE, "10.0.1.24", "10.0.2.24", "54.186.12.34"],
        set(),
    ),
    "other nodes' names and addresses": (
        signing_request(),
        [NODE_NAME, "10.0.1.23", "10.0.1.24", "10.0.1.25", "ip-10-0-1-25.us-west-2.compute.internal"],
        {Reason.NAME_NOT_OF_INSTANCE, Reason.ADDRESS_NOT_OF_INSTANCE},
    ),
    "every objection to a form": (
        signing_request(
            spec={
                "usages": ["client auth", "server auth", "digital signature"],
                "groups": ["system:masters", "system:nodes", "a", "b"],
            }
        ),
        ["*.x", "a_b", "kubernetes", "localhost", "10.0.1.23", "127.0.0.1", "172.20.0.1"],
        {
            Reason.USAGES_NOT_PERMITTED,
            Reason.GROUPS_NOT_OF_A_NODE,
            Reason.SUBJECT_ALT_NAME_INVALID,
            Reason.RESERVED_IDENTITY,
        },
    ),
    "a name that two instances have": (
        signing_request(node_name=PUBLIC_NODE, instance_id=None),
        [PUBLIC_NODE, "10.0.1.24"],
        {Reason.INSTANCE_AMBIGUOUS},
    ),
}


@pytest.mark.parametrize("sentence", REQUESTS)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_the_verdict_does_not_depend_on_any_order(sentence: str, seed: int) -> None:
    document, names, reasons = REQUESTS[sentence]
    random = Random(seed)
    world = replace(
        WORLD,
        instances=shuffled(WORLD.instances, random),
        instance_profiles=shuffled(WORLD.instance_profiles, random),
        roles=shuffled(WORLD.roles, random),
        cluster=shuffled(WORLD.cluster, random),
    )
    told = verdict(document, names, WORLD)
    assert {finding.reason for finding in findings_of(told)} == reasons
    assert verdict(shuffled(document, random), random.sample(names, len(names)), world) == told
