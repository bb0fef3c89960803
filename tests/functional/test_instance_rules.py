"""Whether the instance that asks is a live one of the cluster (DESIGN section 3, instance)."""

from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.endings import APPROVED, Played, Row, check, denied, left, play
from tests.support.fleet import Change, Node, fleet
from tests.support.requests import ADDRESS, NODE_NAME, signing_request

OTHER_ADDRESS, OTHER_ACCOUNT, OTHER_VPC = "10.0.1.24", "444455556666", "vpc-0fedcba9876543210"
OTHER_NODE = "ip-10-0-1-24.us-west-2.compute.internal"
UNKNOWN = "i-0fffffffffffffff0"


def fields(**values: Any) -> Change:
    return lambda instance: instance.update(values)


def without(*keys: str) -> Change:
    return lambda instance: [instance.pop(key) for key in keys]


def in_state(name: str) -> Change:
    return fields(State={"Name": name})


def tagged(**tags: str) -> Change:
    return fields(Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


MEMBERSHIP_TAGS = {
    "kubernetes.io/cluster/demo": "owned",
    "eks:cluster-name": "demo",
    "eks:eks-cluster-name": "demo",
    "aws:eks:cluster-name": "demo",
}
RECORDS: dict[str, Node] = {
    "a running instance of the cluster": Node(APPROVED),
    "a pending instance may run soon": Node(left(Reason.INSTANCE_NOT_RUNNING), in_state("pending")),
    "a stopping instance may run again": Node(left(Reason.INSTANCE_NOT_RUNNING), in_state("stopping")),
    "a stopped instance may run again": Node(left(Reason.INSTANCE_NOT_RUNNING), in_state("stopped")),
    "an instance that is shutting down is gone": Node(denied(Reason.INSTANCE_GONE), in_state("shutting-down")),
    "a terminated instance is gone": Node(denied(Reason.INSTANCE_GONE), in_state("terminated")),
    "a pending instance's record is not held against it": Node(
        left(Reason.INSTANCE_NOT_RUNNING, Reason.INSTANCE_INCOMPLETE), in_state("pending"), (NODE_NAME, OTHER_ADDRESS)
    ),
    "a stopped instance's record is": Node(
        denied(Reason.ADDRESS_NOT_OF_INSTANCE), in_state("stopped"), (NODE_NAME, OTHER_ADDRESS)
    ),
    "the private DNS name comes late": Node(left(Reason.INSTANCE_INCOMPLETE), fields(PrivateDnsName="")),
    "the private DNS name is missing": Node(left(Reason.INSTANCE_INCOMPLETE), without("PrivateDnsName")),
    "the private DNS name is none": Node(left(Reason.INSTANCE_INCOMPLETE), fields(PrivateDnsName="two names")),
    "a late private DNS name does not matter to a node named by its id": Node(
        APPROVED, fields(PrivateDnsName=""), ("{id}", ADDRESS), "{id}"
    ),
    "a node named by its id waits for a name that may come": Node(
        left(Reason.INSTANCE_INCOMPLETE), fields(PrivateDnsName=""), (NODE_NAME, ADDRESS), "{id}"
    ),
    "the interfaces come late": Node(left(Reason.INSTANCE_INCOMPLETE), fields(NetworkInterfaces=[])),
    "the VPC is missing": Node(left(Reason.INSTANCE_INCOMPLETE), without("VpcId")),
    "an instance of another account": Node(denied(Reason.OTHER_ACCOUNT), account=OTHER_ACCOUNT),
    "an instance of another VPC": Node(denied(Reason.OTHER_VPC), fields(VpcId=OTHER_VPC)),
    **{f"tagged by {key} alone": Node(APPROVED, tagged(**{key: value})) for key, value in MEMBERSHIP_TAGS.items()},
    "tagged for this cluster and for another": Node(
        APPROVED, tagged(**{"eks:cluster-name": "demo", "kubernetes.io/cluster/other": "shared"})
    ),
    "tagged for another cluster only": Node(
        denied(Reason.OTHER_CLUSTER), tagged(**{"kubernetes.io/cluster/other": "owned"})
    ),
    "tagged for another EKS cluster only": Node(denied(Reason.OTHER_CLUSTER), tagged(**{"eks:cluster-name": "other"})),
    "tagged for a cluster whose name only starts alike": Node(
        denied(Reason.OTHER_CLUSTER), tagged(**{"kubernetes.io/cluster/demo-2": "owned"})
    ),
    "tagged for a cluster in capitals": Node(denied(Reason.OTHER_CLUSTER), tagged(**{"eks:cluster-name": "DEMO"})),
    "not tagged yet": Node(left(Reason.MEMBERSHIP_UNPROVED), tagged(Name="node")),
    "no tags at all": Node(left(Reason.MEMBERSHIP_UNPROVED), without("Tags")),
    "no instance profile yet": Node(left(Reason.INSTANCE_PROFILE_MISSING), without("IamInstanceProfile")),
    "named by its private DNS name": Node(APPROVED),
    "named by its id, as in Auto Mode": Node(APPROVED, asked=("{id}", ADDRESS), node_name="{id}"),
    "named by its id, asking for its private DNS name": Node(APPROVED, node_name="{id}"),
    "named like another node": Node(
        denied(Reason.NODE_NAME_NOT_OF_INSTANCE, Reason.NAME_NOT_OF_INSTANCE),
        asked=(OTHER_NODE, ADDRESS),
        node_name=OTHER_NODE,
    ),
    "named like another node, asking for its own": Node(denied(Reason.NODE_NAME_NOT_OF_INSTANCE), node_name=OTHER_NODE),
    "named by another instance's id": Node(denied(Reason.NODE_NAME_NOT_OF_INSTANCE), node_name=UNKNOWN),
    "named by the first label only": Node(denied(Reason.NODE_NAME_NOT_OF_INSTANCE), node_name="ip-10-0-1-23"),
    "several objections are all told": Node(
        denied(Reason.OTHER_VPC, Reason.OTHER_ACCOUNT, Reason.INSTANCE_GONE, Reason.ADDRESS_NOT_OF_INSTANCE),
        fields(VpcId=OTHER_VPC, State={"Name": "terminated"}),
        (NODE_NAME, OTHER_ADDRESS),
        account=OTHER_ACCOUNT,
    ),
    "a violation outweighs what is not known": Node(
        denied(Reason.OTHER_VPC), lambda instance: (without("Tags")(instance), fields(VpcId=OTHER_VPC)(instance))
    ),
}
UNTAGGED: dict[str, Node] = {
    "no tags at all": Node(APPROVED, without("Tags")),
    "tagged for another cluster only": Node(APPROVED, tagged(**{"kubernetes.io/cluster/other": "owned"})),
    "an instance of another VPC": Node(denied(Reason.OTHER_VPC), fields(VpcId=OTHER_VPC)),
}
UNFOUND: dict[str, Row] = {
    "an instance that EC2 does not know yet": (
        lambda: signing_request(instance_id=UNKNOWN),
        left(Reason.INSTANCE_NOT_FOUND),
    ),
    "an instance of eight digits that EC2 does not know": (
        lambda: signing_request(instance_id="i-01234567"),
        left(Reason.INSTANCE_NOT_FOUND),
    ),
}


@pytest.fixture(scope="module")
def played() -> Played:
    world, rows = fleet(RECORDS)
    return play(rows | UNFOUND, world)


@pytest.mark.parametrize("sentence", RECORDS)
def test_the_instances_record_decides(sentence: str, played: Played) -> None:
    check(played.endings[sentence], RECORDS[sentence].ending)


@pytest.mark.parametrize("sentence", UNFOUND)
def test_an_unknown_instance_is_waited_for_and_harms_nobody(sentence: str, played: Played) -> None:
    check(played.endings[sentence], UNFOUND[sentence][1])


def test_no_record_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


def test_without_the_membership_check_the_vpc_still_counts() -> None:
    world, rows = fleet(UNTAGGED)
    endings = play(rows, world, {"cluster-membership": "off"}).endings
    assert endings == {sentence: node.ending for sentence, node in UNTAGGED.items()}


STATED = {"cluster-vpc": OTHER_VPC, "cluster-endpoint": "api.demo.example", "service-cidrs": "172.20.0.0/16"}


def test_the_operators_word_for_the_vpc_counts_before_that_of_eks() -> None:
    nodes = {
        "EKS's": Node(denied(Reason.OTHER_VPC)),
        "the operator's": Node(APPROVED, fields(VpcId=OTHER_VPC)),
    }
    world, rows = fleet(nodes)
    endings = play(rows, world, STATED).endings
    assert endings == {sentence: node.ending for sentence, node in nodes.items()}
