"""Other regions and partitions: their names, ARNs and services, each in a world of its own."""

import copy
from dataclasses import replace
from typing import Any

from csr_approver.policy.reason import Reason
from csr_approver_local.world import World
from tests.support.endings import APPROVED, Ending, Row, denied, left, play
from tests.support.fleet import Node, fleet
from tests.support.iam import profile_arn, profile_document, role_document, statement, trust_policy, with_iam
from tests.support.requests import ADDRESS, INSTANCE_ID, session_extra, signing_request
from tests.support.worlds import default_world, with_instance

CHINA = "aws-cn"


def world_in(region: str, partition: str = "aws", world: World | None = None) -> World:
    """The same cluster elsewhere."""
    world = world or default_world()
    document = copy.deepcopy(dict(world.cluster))
    document["cluster"]["arn"] = f"arn:{partition}:eks:{region}:111122223333:cluster/demo"
    return replace(world, cluster=document)


def resource_named(private_dns_name: str) -> Any:
    options = {"HostnameType": "resource-name"}
    return lambda instance: instance.update(PrivateDnsName=private_dns_name, PrivateDnsNameOptions=options)


def test_the_oldest_region_has_a_domain_of_its_own() -> None:
    name = "ip-10-0-1-23.ec2.internal"
    nodes = {
        "the private DNS name": Node(APPROVED, resource_named(name), (name, ADDRESS), name),
        "the resource name": Node(APPROVED, resource_named(name), ("{id}.ec2.internal", ADDRESS), name),
        "the resource name in the domain of the other regions": Node(
            denied(Reason.NAME_NOT_OF_INSTANCE), resource_named(name), ("{id}.us-east-1.compute.internal",), name
        ),
    }
    world, rows = fleet(nodes, world_in("us-east-1"))
    assert play(rows, world).endings == {sentence: node.ending for sentence, node in nodes.items()}


def china(service: str) -> World:
    """The default instance in Beijing, whose role trusts this service."""
    role = role_document("NodeRole", trust_policy(statement({"Service": service})), partition=CHINA)
    profile = profile_document("NodeInstanceProfile", [role], CHINA)
    arn = profile_arn("NodeInstanceProfile", CHINA)
    world = with_instance(lambda instance: instance["IamInstanceProfile"].update(Arn=arn))
    return with_iam(world_in("cn-north-1", CHINA, world), [profile], [role])


def in_china(service: str, partition: str = CHINA) -> Ending:
    extra = session_extra(INSTANCE_ID, partition=partition)
    rows: dict[str, Row] = {"it": (lambda: signing_request(spec={"extra": extra}), APPROVED)}
    return play(rows, china(service)).endings["it"]


def test_in_china_the_ec2_service_has_two_names() -> None:
    assert in_china("ec2.amazonaws.com.cn") == in_china("ec2.amazonaws.com") == APPROVED


def test_in_china_too_no_other_service_may_assume_a_node_role() -> None:
    assert in_china("lambda.amazonaws.com") == left(Reason.ROLE_ASSUMABLE_BY_OTHERS)


def test_a_role_of_another_partition_is_none_of_china() -> None:
    assert in_china("ec2.amazonaws.com.cn", partition="aws") == denied(Reason.SESSION_INCONSISTENT)
