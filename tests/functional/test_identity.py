"""Who asks, as the API server says: routing and identity (DESIGN section 3), each row from a valid request."""

from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from tests.support.endings import APPROVED, NOTHING, Ending, Played, Row, check, denied, ignored, play
from tests.support.requests import INSTANCE_ID, session_extra, signing_request

OTHER_INSTANCE = "i-0123456789abcdef1"
ARN = f"arn:aws:sts::111122223333:assumed-role/NodeRole/{INSTANCE_ID}"
ROLE_ARN = "arn:aws:iam::111122223333:role/NodeRole"


def identified(**extra: list[str] | None) -> dict[str, Any]:
    """A valid request with some keys of spec.extra replaced; None: left out."""
    values = session_extra(INSTANCE_ID) | extra
    return signing_request(spec={"extra": {key: value for key, value in values.items() if value is not None}})


def of(username: str | None) -> dict[str, Any]:
    return signing_request(spec={"username": username})


def in_groups(*groups: str) -> dict[str, Any]:
    return signing_request(spec={"groups": list(groups)})


def signed_by(signer: str) -> dict[str, Any]:
    return signing_request(spec={"signerName": signer})


def with_status(**status: Any) -> dict[str, Any]:
    return signing_request() | {"status": status}


def with_condition(kind: str) -> dict[str, Any]:
    times = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), "2026-11-22T08:30:00Z")
    condition = {"type": kind, "status": "True", "reason": "SomebodyElse", "message": "decided elsewhere"}
    return with_status(conditions=[condition | times])


def being_deleted() -> dict[str, Any]:
    request = signing_request()
    request["metadata"]["deletionTimestamp"] = "2026-11-22T08:30:00Z"
    return request


ROUTED: dict[str, Row] = {
    "a pending request of a node is judged": (signing_request, APPROVED),
    "one that is being deleted is left alone": (being_deleted, ignored(Reason.REQUEST_BEING_DELETED)),
    "one for the client signer of kubelets is not ours": (
        lambda: signed_by("kubernetes.io/kube-apiserver-client-kubelet"),
        ignored(Reason.OTHER_SIGNER),
    ),
    "a signer that only starts like ours is not ours": (
        lambda: signed_by("kubernetes.io/kubelet-serving-2"),
        ignored(Reason.OTHER_SIGNER),
    ),
    "a signer in other letter case is not ours": (
        lambda: signed_by("kubernetes.io/Kubelet-Serving"),
        ignored(Reason.OTHER_SIGNER),
    ),
    "an approved one is decided": (lambda: with_condition("Approved"), ignored(Reason.ALREADY_DECIDED)),
    "a denied one is decided": (lambda: with_condition("Denied"), ignored(Reason.ALREADY_DECIDED)),
    "a failed one is decided": (lambda: with_condition("Failed"), ignored(Reason.ALREADY_DECIDED)),
    "one with a certificate is decided": (
        lambda: with_status(certificate="LS0tLS1CRUdJTg=="),
        ignored(Reason.ALREADY_DECIDED),
    ),
    "a condition of another type does not matter": (lambda: with_condition("example.com/Seen"), APPROVED),
    "an IAM role that is mapped to no node is not ours": (lambda: of(ARN), ignored(Reason.REQUESTER_NOT_A_NODE)),
    "a service account is not ours": (
        lambda: of("system:serviceaccount:kube-system:default"),
        ignored(Reason.REQUESTER_NOT_A_NODE),
    ),
    "a person is not ours": (lambda: of("alice"), ignored(Reason.REQUESTER_NOT_A_NODE)),
    "a user whose name only starts alike is not ours": (
        lambda: of("system:nodes:ip-10-0-1-23"),
        ignored(Reason.REQUESTER_NOT_A_NODE),
    ),
    "no user name at all is not ours": (lambda: of(None), ignored(Reason.REQUESTER_NOT_A_NODE)),
    "a Fargate node is not ours": (
        lambda: signing_request(node_name="fargate-ip-10-0-1-23.us-west-2.compute.internal"),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "a HyperPod node is not ours": (
        lambda: signing_request(node_name="hyperpod-i-0123456789abcdef0"),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "a hybrid node is not ours": (
        lambda: signing_request(node_name="mi-0123456789abcdef0", instance_id="mi-0123456789abcdef0"),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "a session of another name than an instance id is not ours": (
        lambda: identified(sessionName=["kubelet"]),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "an empty session name is not ours": (lambda: identified(sessionName=[""]), ignored(Reason.NOT_AN_EC2_NODE)),
    "an instance id in capitals is none": (
        lambda: identified(sessionName=[INSTANCE_ID.upper()]),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "an instance id with a line break is none": (
        lambda: identified(sessionName=[f"{INSTANCE_ID}\n"]),
        ignored(Reason.NOT_AN_EC2_NODE),
    ),
    "no session name: the instance is not vouched for": (
        lambda: identified(sessionName=None),
        ignored(Reason.NO_INSTANCE_BINDING),
    ),
    "an empty list of session names counts as none": (
        lambda: identified(sessionName=[]),
        ignored(Reason.NO_INSTANCE_BINDING),
    ),
    "no extra at all: the instance is not vouched for": (
        lambda: signing_request(instance_id=None),
        ignored(Reason.NO_INSTANCE_BINDING),
    ),
}

IDENTIFIED: dict[str, Row] = {
    "groups in another order do not matter": (
        lambda: in_groups("system:authenticated", "system:nodes", "system:bootstrappers"),
        APPROVED,
    ),
    "other groups do not matter": (
        lambda: in_groups("system:nodes", "system:authenticated", "eks:kube-proxy-windows"),
        APPROVED,
    ),
    "a node is in system:nodes": (
        lambda: in_groups("system:bootstrappers", "system:authenticated"),
        denied(Reason.GROUPS_NOT_OF_A_NODE),
    ),
    "a node is authenticated": (
        lambda: in_groups("system:bootstrappers", "system:nodes"),
        denied(Reason.GROUPS_NOT_OF_A_NODE),
    ),
    "no node is a cluster administrator": (
        lambda: in_groups("system:nodes", "system:authenticated", "system:masters"),
        denied(Reason.GROUPS_NOT_OF_A_NODE),
    ),
    "a request without groups is no node's": (
        lambda: signing_request(spec={"groups": None}),
        denied(Reason.GROUPS_NOT_OF_A_NODE),
    ),
    "a node has a name": (
        lambda: signing_request("10.0.1.23", node_name=""),
        denied(Reason.NODE_NAME_INVALID),
    ),
    "a node name in capitals is invalid": (
        lambda: signing_request(node_name="IP-10-0-1-23.us-west-2.compute.internal"),
        denied(Reason.NODE_NAME_INVALID),
    ),
    "a node name with an underscore is invalid": (
        lambda: signing_request("10.0.1.23", node_name="ip_10_0_1_23"),
        denied(Reason.NODE_NAME_INVALID),
    ),
    "a node name that is an address is invalid": (
        lambda: signing_request("10.0.1.23", node_name="10.0.1.23"),
        denied(Reason.NODE_NAME_INVALID),
    ),
    "a node name with a trailing dot is invalid": (
        lambda: signing_request(node_name="ip-10-0-1-23.us-west-2.compute.internal."),
        denied(Reason.NODE_NAME_INVALID),
    ),
    "a path before the role's name is dropped by STS": (
        lambda: identified(canonicalArn=["arn:aws:iam::111122223333:role/eks/nodes/NodeRole"]),
        APPROVED,
    ),
    "keys of extra that nobody knows do not matter": (lambda: identified(unknown=["anything"]), APPROVED),
    "no arn": (lambda: identified(arn=None), denied(Reason.SESSION_INCONSISTENT)),
    "no canonicalArn": (lambda: identified(canonicalArn=None), denied(Reason.SESSION_INCONSISTENT)),
    "an empty list of ARNs": (lambda: identified(arn=[]), denied(Reason.SESSION_INCONSISTENT)),
    "two ARNs": (lambda: identified(arn=[ARN, ARN]), denied(Reason.SESSION_INCONSISTENT)),
    "two canonical ARNs": (
        lambda: identified(canonicalArn=[ROLE_ARN, ROLE_ARN]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "two session names": (
        lambda: identified(sessionName=[INSTANCE_ID, OTHER_INSTANCE]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "the ARN of another session": (
        lambda: identified(arn=[ARN.replace(INSTANCE_ID, OTHER_INSTANCE)]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "the ARN of another role": (
        lambda: identified(arn=[ARN.replace("NodeRole", "AdminRole")]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "the ARN of another account": (
        lambda: identified(arn=[ARN.replace("111122223333", "444455556666")]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "the ARN of another partition": (
        lambda: identified(arn=[ARN.replace("arn:aws:", "arn:aws-cn:")]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "both ARNs of another partition than the cluster's": (
        lambda: signing_request(spec={"extra": session_extra(INSTANCE_ID, partition="aws-us-gov")}),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "an ARN that is no session's": (lambda: identified(arn=[ROLE_ARN]), denied(Reason.SESSION_INCONSISTENT)),
    "a canonical ARN that is no role's": (
        lambda: identified(canonicalArn=["arn:aws:iam::111122223333:user/NodeRole"]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "a canonical ARN with a line break": (
        lambda: identified(canonicalArn=[f"{ROLE_ARN}\n"]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "a role in other letter case is another role": (
        lambda: identified(canonicalArn=[ROLE_ARN.replace("NodeRole", "noderole")]),
        denied(Reason.SESSION_INCONSISTENT),
    ),
    "several objections are all told": (
        lambda: signing_request(
            spec={"groups": [], "usages": ["client auth"], "extra": {"sessionName": [INSTANCE_ID]}}
        ),
        denied(Reason.GROUPS_NOT_OF_A_NODE, Reason.SESSION_INCONSISTENT, Reason.USAGES_NOT_PERMITTED),
    ),
}

ROWS = ROUTED | IDENTIFIED


@pytest.fixture(scope="module")
def played() -> Played:
    return play(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_who_asks_decides(sentence: str, played: Played) -> None:
    check(played.endings[sentence], ROWS[sentence][1])


def test_no_identity_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


OBSERVED: dict[str, Row] = {
    "an approved request is judged": (lambda: with_condition("Approved"), Ending("Approve", (), NOTHING, records=0)),
    "an approved request that should not have been is recorded": (
        lambda: with_condition("Approved") | {"spec": in_groups("system:nodes")["spec"]},
        Ending("Deny", (Reason.GROUPS_NOT_OF_A_NODE,), NOTHING, records=1),
    ),
    "a denied one is decided": (lambda: with_condition("Denied"), ignored(Reason.ALREADY_DECIDED)),
    "a failed one is decided": (lambda: with_condition("Failed"), ignored(Reason.ALREADY_DECIDED)),
    "a pending one is judged, and not approved": (signing_request, Ending("Approve", (), NOTHING, records=0)),
}


@pytest.fixture(scope="module")
def observed() -> Played:
    return play(OBSERVED, settings={"mode": "observe"})


@pytest.mark.parametrize("sentence", OBSERVED)
def test_an_observer_writes_nothing_to_the_cluster(sentence: str, observed: Played) -> None:
    assert observed.endings[sentence] == OBSERVED[sentence][1]


OTHER_ROLE = "arn:aws:iam::111122223333:role/OtherRole"
NODE_ROLES = {
    "any role will do if none is named": ("", APPROVED),
    "the role is named": (f"{OTHER_ROLE},{ROLE_ARN}", APPROVED),
    "the role is named with a path": ("arn:aws:iam::111122223333:role/eks/NodeRole", APPROVED),
    "only another role is named": (OTHER_ROLE, denied(Reason.ROLE_NOT_PERMITTED)),
    "the role of another account is named": (
        "arn:aws:iam::444455556666:role/NodeRole",
        denied(Reason.ROLE_NOT_PERMITTED),
    ),
}


@pytest.mark.parametrize("sentence", NODE_ROLES)
def test_only_the_roles_that_are_named_back_a_node(sentence: str) -> None:
    node_roles, ending = NODE_ROLES[sentence]
    rows: dict[str, Row] = {sentence: (signing_request, ending)}
    check(play(rows, settings={"node-roles": node_roles}).endings[sentence], ending)
