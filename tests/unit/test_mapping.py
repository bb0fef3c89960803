"""The diagnosis of a node role that is mapped to the wrong user, and the commands that mend it."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from csr_approver.cli.mapping import UNKNOWN, AccessEntry, Diagnosis, MappedRole, Mappings, diagnose
from csr_approver.policy.observation import Absent, Seen
from csr_approver.policy.request import read_signing_request
from tests.support.requests import (
    ACCOUNT,
    INSTANCE_ID,
    NODE_NAME,
    kubelet_object,
    session_extra,
    signing_request,
)
from tests.unit.test_documented_commands import operation

ROLE = f"arn:aws:iam::{ACCOUNT}:role/NodeRole"
WITH_PATH = f"arn:aws:iam::{ACCOUNT}:role/nodes/NodeRole"
ROLE_USER = f"arn:aws:sts::{ACCOUNT}:assumed-role/NodeRole/{INSTANCE_ID}"
BY_NAME = "system:node:{{EC2PrivateDNSName}}"
NOT_MAPPED = {"username": ROLE_USER, "groups": ["system:authenticated"]}

CREATE = f"aws eks create-access-entry --cluster-name demo --principal-arn {ROLE} --type EC2_LINUX"
DELETE = f"aws eks delete-access-entry --cluster-name demo --principal-arn {ROLE}"
EDIT = (
    "kubectl -n kube-system edit configmap aws-auth\n"
    f"- rolearn: {ROLE}\n"
    f"  username: {BY_NAME}\n"
    "  groups: [system:bootstrappers, system:nodes]"
)


def entries(*found: AccessEntry, mode: str = "API_AND_CONFIG_MAP", items: Sequence[MappedRole] = ()) -> Mappings:
    return Mappings(Seen(found), Seen(items) if items else Absent("there is none"), mode, ROLE)


def entry(kind: str, arn: str = ROLE) -> AccessEntry:
    return AccessEntry(arn, kind, "whoever")


def item(username: str, *groups: str) -> MappedRole:
    return MappedRole(ROLE, username, groups)


def found(document: dict[str, Any], mappings: Mappings = UNKNOWN) -> Diagnosis | None:
    return diagnose(read_signing_request(document), mappings, "demo")


def wrong(mappings: Mappings = UNKNOWN, **spec: Any) -> Diagnosis:
    diagnosis = found(signing_request(spec=NOT_MAPPED | spec), mappings)
    assert diagnosis is not None
    return diagnosis


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(signing_request(), id="an instance mapped to its private DNS name"),
        pytest.param(signing_request(node_name=INSTANCE_ID), id="an instance mapped to its id"),
        pytest.param(signing_request(instance_id=None), id="a node with a client certificate"),
        pytest.param(kubelet_object("a-private-only-pending"), id="a real kubelet's"),
        pytest.param(signing_request(spec=NOT_MAPPED | {"signerName": "example.com/x"}), id="another signer's"),
        pytest.param(
            signing_request(spec={"username": "system:node:ip-10-0-1-24.us-west-2.compute.internal"}),
            id="another node's subject, which is no question of mapping",
        ),
        pytest.param(
            signing_request(spec={"username": "alice", "request": "not base64", "extra": {}}),
            id="a person's, in which no node is named",
        ),
    ],
)
def test_nothing_is_said_of_a_mapping_that_is_right_or_none(document: dict[str, Any]) -> None:
    assert found(document) is None


@pytest.mark.parametrize(
    ("mappings", "words", "commands"),
    [
        pytest.param(entries(entry("STANDARD")), ["STANDARD", "cannot be changed"], (DELETE, CREATE), id="STANDARD"),
        pytest.param(entries(entry("HYBRID_LINUX")), ["HYBRID_LINUX"], (DELETE, CREATE), id="a type of other nodes"),
        pytest.param(
            entries(entry("STANDARD", WITH_PATH)),
            ["STANDARD"],
            (DELETE.replace(ROLE, WITH_PATH), CREATE.replace(ROLE, WITH_PATH)),
            id="a role with a path",
        ),
        pytest.param(entries(entry("EC2_LINUX")), ["is right", "next request"], (), id="mended meanwhile"),
        pytest.param(entries(entry("EC2_WINDOWS")), ["is right"], (), id="mended meanwhile, with Windows"),
        pytest.param(entries(), ["no access entry", "EC2_WINDOWS"], (CREATE,), id="no entry"),
        pytest.param(
            entries(entry("STANDARD", f"{ROLE}2"), entry("EC2_LINUX", ROLE.replace("1111", "2222"))),
            ["no access entry"],
            (CREATE,),
            id="entries of other roles only",
        ),
        pytest.param(
            entries(items=[item("test", "system:nodes")]),
            ["aws-auth maps it to test", "system:nodes", "counts more"],
            (CREATE,),
            id="a wrong item in aws-auth",
        ),
        pytest.param(
            entries(items=[item("test"), item(BY_NAME)]),
            ["2 times", "test", BY_NAME],
            (CREATE,),
            id="two items in aws-auth",
        ),
        pytest.param(
            entries(mode="API", items=[item("test")]), ["no access entry"], (CREATE,), id="aws-auth does not count"
        ),
        pytest.param(
            replace(UNKNOWN, authentication_mode="CONFIG_MAP", mapped_roles=Seen([item("test")])),
            ["aws-auth maps it to test", "one item"],
            (EDIT,),
            id="nothing but aws-auth",
        ),
        pytest.param(UNKNOWN, ["delete that first", "path", "CONFIG_MAP"], (CREATE, EDIT), id="nothing is known"),
        pytest.param(replace(entries(), role_arn=None), ["has a path"], (CREATE,), id="IAM does not tell of a path"),
    ],
)
def test_a_role_whose_kubelet_comes_as_no_node(mappings: Mappings, words: list[str], commands: tuple[str, ...]) -> None:
    diagnosis = wrong(mappings)
    assert diagnosis.commands == commands
    for word in [INSTANCE_ID, ROLE_USER, "NodeRole", *words]:
        assert word in diagnosis.text


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="the role's own ARN"),
        pytest.param({"username": "test"}, id="a name of somebody's making"),
        pytest.param({"username": "system:nodes:x"}, id="nearly a node's name"),
        pytest.param({"extra": {}}, id="the role's ARN, where the authenticator tells no more"),
        pytest.param({"request": "not base64"}, id="in a request that names no node"),
    ],
)
def test_whatever_the_wrong_user_is_called(spec: dict[str, Any]) -> None:
    assert wrong(**spec).commands == (CREATE, EDIT)


def test_a_node_that_is_called_after_its_instance_takes_another_type() -> None:
    document = signing_request(node_name=INSTANCE_ID, spec=NOT_MAPPED)
    diagnosis = found(document, entries())
    assert diagnosis is not None
    create, associate = diagnosis.commands
    assert create == CREATE.replace("EC2_LINUX", "EC2")
    assert associate.startswith(f"aws eks associate-access-policy --cluster-name demo --principal-arn {ROLE} ")
    assert "AmazonEKSAutoNodePolicy" in associate


@pytest.mark.parametrize(
    ("user", "called", "kind"),
    [
        pytest.param(INSTANCE_ID, NODE_NAME, "EC2_LINUX", id="mapped to the id, called by DNS name"),
        pytest.param(NODE_NAME, INSTANCE_ID, "EC2", id="mapped to the DNS name, called by id"),
    ],
)
def test_a_role_with_the_type_of_other_nodes(user: str, called: str, kind: str) -> None:
    document = signing_request(node_name=called, spec={"username": f"system:node:{user}"})
    other = {"EC2_LINUX": "EC2", "EC2": "EC2_LINUX"}[kind]
    diagnosis = found(document, entries(entry(other)))
    assert diagnosis is not None
    assert diagnosis.commands[:2] == (DELETE, CREATE.replace("EC2_LINUX", kind))
    assert user in diagnosis.text
    assert called in diagnosis.text


@pytest.mark.parametrize("groups", [["system:authenticated"], ["system:nodes", "system:masters"], None], ids=str)
def test_a_node_with_other_groups_than_a_nodes(groups: list[str] | None) -> None:
    items = [item(BY_NAME, *(groups or []))]
    diagnosis = found(signing_request(spec={"groups": groups}), entries(mode="CONFIG_MAP", items=items))
    assert diagnosis is not None
    assert diagnosis.commands == (EDIT,)
    assert "groups" in diagnosis.text


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"username": "admin", "extra": session_extra("alice", "Admin")}, id="a person who assumed a role"),
        pytest.param({"username": "alice", "extra": {}}, id="a person"),
        pytest.param({"username": "system:serviceaccount:default:x", "extra": {}}, id="a service account"),
        pytest.param({"username": "alice", "extra": {"arn": [f"arn:aws:iam::{ACCOUNT}:user/alice"]}}, id="an IAM user"),
    ],
)
def test_who_is_no_instance_gets_no_nodes_mapping(spec: dict[str, Any]) -> None:
    """Else whoever names a node would have his own role made a node's."""
    diagnosis = wrong(entries(entry("STANDARD")), **spec)
    assert diagnosis.commands == ()
    assert NODE_NAME in diagnosis.text
    assert "Find out who did" in diagnosis.text


def test_what_a_requester_wrote_is_shown_and_not_obeyed() -> None:
    diagnosis = wrong(username="\x1b[2J")
    assert diagnosis.text.isprintable()


def test_another_partition_keeps_its_arns() -> None:
    extra = session_extra(INSTANCE_ID, partition="aws-cn")
    document = signing_request(node_name=INSTANCE_ID, spec=NOT_MAPPED | {"extra": extra})
    diagnosis = found(document, replace(entries(), role_arn=None))
    assert diagnosis is not None
    arns = [word for command in diagnosis.commands for word in command.split() if word.startswith("arn:")]
    assert {arn.split(":")[1] for arn in arns} == {"aws-cn"}


def test_a_path_that_a_shell_would_read_is_quoted() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/$(id)/NodeRole"
    for mappings in (entries(entry("STANDARD", arn)), replace(entries(), role_arn=arn)):
        for command in wrong(mappings).commands:
            assert f"'{arn}'" in command


@pytest.mark.parametrize("kind", ["EC2", "EC2_LINUX"])
def test_the_aws_cli_knows_the_commands(kind: str) -> None:
    node_name = {"EC2": INSTANCE_ID, "EC2_LINUX": NODE_NAME}[kind]
    diagnosis = found(signing_request(node_name=node_name, spec=NOT_MAPPED), entries(entry("STANDARD")))
    assert diagnosis is not None
    for command in diagnosis.commands:
        _, service, verb, *words = shlex.split(command)
        shape = operation(service, verb).input_shape
        assert shape is not None
        options = {word[2:] for word in words if word.startswith("--")}
        members = {"".join(f"-{c.lower()}" if c.isupper() else c for c in member) for member in shape.members}
        assert options <= members
