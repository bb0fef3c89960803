"""Nodes for whose instance the API server does not vouch: instance-binding=prefer goes by the node's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.endings import APPROVED, Ending, Played, Row, check, denied, left, play
from tests.support.fleet import Change, instance_document, unchanged, world_of
from tests.support.requests import ACCOUNT, ADDRESS, INSTANCE_ID, signing_request

OTHER_VPC, OTHER_ADDRESS, DOMAIN = "vpc-0fedcba9876543210", "10.0.1.24", "us-west-2.compute.internal"
REQUEST_AGE = 600


@dataclass(frozen=True, slots=True)
class Named:
    """Instances that all have one private DNS name, and the request of a node of that name without session.

    `{name}` stands for that name, `{id}` for the id of the first instance.
    """

    ending: Ending
    changes: tuple[Change, ...] = (unchanged,)
    asked: tuple[str, ...] = ("{name}", ADDRESS)
    node_name: str = "{name}"
    arn: str | None = None


def in_state(state: str) -> Change:
    return lambda instance: instance.update(State={"Name": state})


def attached(seconds_before_the_request: float) -> Change:
    """Attached so long before the request was made, or after it if negative."""

    def change(instance: dict[str, Any]) -> None:
        at = datetime.now(UTC) - timedelta(seconds=REQUEST_AGE + seconds_before_the_request)
        instance["NetworkInterfaces"][0]["Attachment"]["AttachTime"] = at.isoformat()

    return change


def in_other_vpc(instance: dict[str, Any]) -> None:
    instance["VpcId"] = OTHER_VPC


def without_attach_time(instance: dict[str, Any]) -> None:
    del instance["NetworkInterfaces"][0]["Attachment"]["AttachTime"]


def without_profile(instance: dict[str, Any]) -> None:
    del instance["IamInstanceProfile"]


OLD, NEW = attached(3600), attached(-3600)
NODES: dict[str, Named] = {
    "one live instance of that name": Named(APPROVED),
    "a node named by its instance's id": Named(APPROVED, node_name="{id}", asked=("{id}", ADDRESS)),
    "a node named by its id, asking for its private DNS name": Named(APPROVED, node_name="{id}"),
    "no instance of that name": Named(left(Reason.INSTANCE_NOT_FOUND), changes=()),
    "no instance of that id": Named(left(Reason.INSTANCE_NOT_FOUND), node_name="i-0fffffffffffffff0", asked=(ADDRESS,)),
    "two live instances of that name": Named(left(Reason.INSTANCE_AMBIGUOUS), (unchanged, unchanged)),
    "a pending instance of that name is live": Named(left(Reason.INSTANCE_AMBIGUOUS), (OLD, in_state("pending"))),
    "a stopped instance of that name is live": Named(left(Reason.INSTANCE_AMBIGUOUS), (OLD, in_state("stopped"))),
    "a terminated instance of that name is dead": Named(APPROVED, (in_state("terminated"), OLD)),
    "an instance of that name that is shutting down is dead": Named(APPROVED, (OLD, in_state("shutting-down"))),
    "only dead instances of that name": Named(left(Reason.INSTANCE_NOT_FOUND), (in_state("terminated"),)),
    "an instance of that name in another VPC does not count": Named(APPROVED, (OLD, in_other_vpc)),
    "an instance of that name only in another VPC": Named(left(Reason.INSTANCE_NOT_FOUND), (in_other_vpc,)),
    "an instance of that id in another VPC": Named(
        denied(Reason.OTHER_VPC), (in_other_vpc,), asked=(ADDRESS,), node_name="{id}"
    ),
    "an instance of that id that is gone": Named(
        denied(Reason.INSTANCE_GONE), (in_state("terminated"),), asked=(ADDRESS,), node_name="{id}"
    ),
    "an address of another instance": Named(denied(Reason.ADDRESS_NOT_OF_INSTANCE), asked=("{name}", OTHER_ADDRESS)),
    "the instance is older than the request": Named(APPROVED, (OLD,)),
    "the clocks differ by less than a minute": Named(APPROVED, (attached(-50),)),
    "the instance is younger than the request": Named(denied(Reason.INSTANCE_YOUNGER_THAN_REQUEST), (attached(-70),)),
    "a younger instance of that id": Named(
        denied(Reason.INSTANCE_YOUNGER_THAN_REQUEST), (NEW,), asked=(ADDRESS,), node_name="{id}"
    ),
    "the instance's age is unknown": Named(left(Reason.INSTANCE_INCOMPLETE), (without_attach_time,)),
    "no instance profile is needed": Named(APPROVED, (without_profile,)),
    "the ARN of somebody else does not matter": Named(APPROVED, arn="arn:aws:iam::444455556666:user/kubeadm"),
}


def played_by_name(nodes: Mapping[str, Named], settings: Mapping[str, str]) -> Played:
    """All in one world: the names differ from row to row."""
    rows: dict[str, Row] = {}
    instances = []
    for number, (sentence, node) in enumerate(nodes.items()):
        words = {"name": f"node-{number}.{DOMAIN}", "id": f"i-{number:08x}00000000a"}
        for copy, change in enumerate(node.changes):
            document = instance_document(f"i-{number:08x}{copy:08x}a", OLD)
            document["PrivateDnsName"] = words["name"]
            change(document)
            instances.append((ACCOUNT, document))
        rows[sentence] = (partial(request_of, node, words), node.ending)
    return play(rows, world_of(*instances), {"instance-binding": "prefer", **settings})


def request_of(node: Named, words: Mapping[str, str]) -> dict[str, Any]:
    return signing_request(
        *[name.format(**words) for name in node.asked],
        node_name=node.node_name.format(**words),
        instance_id=None,
        age_seconds=REQUEST_AGE,
        spec={"extra": {"arn": [node.arn]}} if node.arn else {},
    )


@pytest.fixture(scope="module")
def played() -> Played:
    return played_by_name(NODES, {})


@pytest.mark.parametrize("sentence", NODES)
def test_a_node_without_session_goes_by_its_name(sentence: str, played: Played) -> None:
    check(played.endings[sentence], NODES[sentence].ending)


def test_no_name_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


def role(name: str) -> dict[str, str]:
    return {"node-roles": f"arn:aws:iam::{ACCOUNT}:role/{name}"}


@pytest.mark.parametrize(
    ("settings", "endings"),
    [
        pytest.param(role("NodeRole"), (APPROVED, left(Reason.INSTANCE_PROFILE_MISSING)), id="its profile's is named"),
        pytest.param(
            role("OtherRole"),
            (denied(Reason.INSTANCE_ROLE_NOT_PERMITTED), left(Reason.INSTANCE_PROFILE_MISSING)),
            id="another is named",
        ),
        pytest.param(
            role("NodeRole") | {"role-check": "off"},
            (left(Reason.INSTANCE_PROFILE_UNREADABLE), left(Reason.INSTANCE_PROFILE_MISSING)),
            id="IAM may not be asked which it is",
        ),
    ],
)
def test_node_roles_hold_for_the_profiles_role_if(settings: Mapping[str, str], endings: tuple[Ending, Ending]) -> None:
    nodes = {
        "the instance has a profile": Named(endings[0]),
        "the instance has none": Named(endings[1], (without_profile,)),
    }
    found = played_by_name(nodes, settings).endings
    assert found == {sentence: node.ending for sentence, node in nodes.items()}


def test_a_session_counts_where_there_is_one() -> None:
    rows: dict[str, Row] = {
        "its own": (signing_request, APPROVED),
        "another instance's": (
            lambda: signing_request(instance_id="i-0123456789abcdef1"),
            denied(Reason.NODE_NAME_NOT_OF_INSTANCE, Reason.NAME_NOT_OF_INSTANCE, Reason.ADDRESS_NOT_OF_INSTANCE),
        ),
        "one without ARN": (
            lambda: signing_request(spec={"extra": {"sessionName": [INSTANCE_ID]}}),
            denied(Reason.SESSION_INCONSISTENT),
        ),
    }
    endings = play(rows, settings={"instance-binding": "prefer"}).endings
    assert endings == {sentence: ending for sentence, (_, ending) in rows.items()}


def test_a_node_of_the_custom_domain_goes_by_its_first_label() -> None:
    nodes = {
        "it asks for what EC2 gives": Named(APPROVED, node_name="node-0.corp.example"),
        "it asks for what DNS does not know": Named(
            left(Reason.NAME_NOT_IN_DNS), asked=("node-1.corp.example", ADDRESS), node_name="node-1.corp.example"
        ),
        "it is in another domain": Named(left(Reason.INSTANCE_NOT_FOUND), node_name="node-2.other.example"),
    }
    found = played_by_name(nodes, {"custom-domains": "corp.example"}).endings
    assert found == {sentence: node.ending for sentence, node in nodes.items()}
