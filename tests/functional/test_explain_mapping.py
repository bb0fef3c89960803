"""A node role that is mapped wrongly: `explain` names it and prints the command that mends it."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import System
from tests.support.command import Command
from tests.support.requests import ACCOUNT, INSTANCE_ID, NODE_NAME, signing_request
from tests.support.worlds import default_world

AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/NodeRole"
NOT_MAPPED = {
    "username": f"arn:aws:sts::{ACCOUNT}:assumed-role/NodeRole/{INSTANCE_ID}",
    "groups": ["system:authenticated"],
}
CREATE = f"    $ aws eks create-access-entry --cluster-name demo --principal-arn {ROLE} --type EC2_LINUX\n"
DELETE = f"    $ aws eks delete-access-entry --cluster-name demo --principal-arn {ROLE}\n"
EDIT = f"    $ kubectl -n kube-system edit configmap aws-auth\n        - rolearn: {ROLE}\n"


def access_entry(kind: str) -> dict[str, Any]:
    """As `aws eks describe-access-entry` prints it."""
    return {
        "accessEntry": {
            "clusterName": "demo",
            "principalArn": ROLE,
            "kubernetesGroups": [],
            "accessEntryArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:access-entry/demo/role/{ACCOUNT}/NodeRole/0",
            "username": NOT_MAPPED["username"],
            "type": kind,
        }
    }


def aws_auth(*items: Mapping[str, Any]) -> dict[str, Any]:
    data = {"mapRoles": yaml.safe_dump(list(items))}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": data}


def authenticate_by(system: System, mode: str) -> None:
    """From now on, this is the cluster's authentication mode."""
    document = copy.deepcopy(dict(default_world().cluster))
    document["cluster"]["accessConfig"] = {"authenticationMode": mode}
    system.aws.put_cluster(document)


@pytest.fixture
def name(kubernetes: KubernetesApi) -> str:
    """A request of a kubelet whose role is not mapped to a node."""
    return str(kubernetes.load(signing_request(spec=NOT_MAPPED))["metadata"]["name"])


def test_an_access_entry_of_the_wrong_type(command: Command, system: System, kubeconfig: str, name: str) -> None:
    system.aws.put_access_entries("demo", access_entry("STANDARD"))
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert (ran.status, ran.err) == (0, "")
    assert f"{name}: Ignore\n" in ran.out
    assert "RequesterNotANode" in ran.out
    assert "of type STANDARD" in ran.out
    assert DELETE + CREATE in ran.out


def test_a_request_of_a_node_makes_nobody_look_at_mappings(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    system.aws.put_access_entries("demo", access_entry("EC2_LINUX"))
    mapped = kubernetes.load(signing_request())["metadata"]["name"]
    ran = command.run("explain", mapped, "--kubeconfig", kubeconfig)
    assert f"{mapped}: Approve\n" in ran.out
    assert "create-access-entry" not in ran.out
    assert "ListAccessEntries" not in [call.operation for call in system.aws.calls]
    assert AWS_AUTH not in [target for _, target, _ in kubernetes.requests]


def test_no_access_entry(command: Command, system: System, kubeconfig: str, name: str) -> None:
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert "no access entry" in ran.out
    assert CREATE in ran.out
    assert "delete-access-entry" not in ran.out


def test_an_item_in_aws_auth(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str, name: str
) -> None:
    authenticate_by(system, "CONFIG_MAP")
    kubernetes.serve(AWS_AUTH, aws_auth({"rolearn": ROLE, "username": "test", "groups": ["system:nodes"]}))
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert "aws-auth maps it to test" in ran.out
    assert EDIT in ran.out
    assert "create-access-entry" not in ran.out


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"mapRoles": ""}, id="no items"),
        pytest.param({"mapRoles": "- a: [b"}, id="no YAML"),
        pytest.param({"mapRoles": "just words"}, id="no list"),
        pytest.param({"mapRoles": "- 5\n- rolearn: 5\n  groups: 5"}, id="no items that are any"),
    ],
)
def test_an_aws_auth_in_which_there_is(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str, name: str, data: dict[str, str]
) -> None:
    authenticate_by(system, "CONFIG_MAP")
    kubernetes.serve(AWS_AUTH, aws_auth() | {"data": data})
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert (ran.status, ran.err) == (0, "")
    assert EDIT in ran.out


def test_what_may_not_be_read_is_left_open(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str, name: str
) -> None:
    system.aws.put_access_entries("demo", access_entry("STANDARD"))
    system.aws.fail_next("ListAccessEntries", "AccessDeniedException", times=10)
    system.aws.fail_next("GetRole", "AccessDenied", times=10)
    kubernetes.fail_next("GET", "aws-auth", 403)
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert (ran.status, ran.err) == (0, "")
    assert "If the role has a path" in " ".join(ran.out.split())
    assert CREATE + EDIT in ran.out


def test_the_path_of_a_role_is_told_by_iam(command: Command, system: System, kubeconfig: str, name: str) -> None:
    roles = copy.deepcopy(dict(default_world().roles))
    for role in roles["Roles"]:
        role["Arn"] = role["Arn"].replace(":role/", ":role/nodes/")
    system.aws.put_roles(roles)
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert CREATE.replace(":role/", ":role/nodes/") in ran.out
    assert "If the role has a path" not in " ".join(ran.out.split())


def test_a_cluster_that_eks_does_not_know_is_explained_all_the_same(
    command: Command, system: System, kubeconfig: str, name: str
) -> None:
    stated = (
        "cluster=x",
        "cluster-vpc=vpc-0a1b2c3d4e5f60718",
        "cluster-endpoint=10.0.0.10",
        "service-cidrs=10.96.0.0/12",
    )
    options = [f"--set={setting}" for setting in stated]
    ran = command.run("explain", name, "--kubeconfig", kubeconfig, *options)
    assert (ran.status, ran.err) == (0, "")
    assert f"{name}: Ignore\n" in ran.out
    assert (CREATE + EDIT).replace("demo", "x") in ran.out


def test_offline_the_request_alone_is_looked_at(command: Command) -> None:
    ran = command.explain("--csr", command.file(signing_request(spec=NOT_MAPPED)))
    assert (ran.status, ran.err) == (0, "")
    assert CREATE + EDIT in ran.out


def test_the_json_output_says_nothing_of_it(command: Command) -> None:
    path = command.file(signing_request(spec=NOT_MAPPED))
    ran = command.explain("--csr", path, "--output", "json")
    assert ran.verdicts == ["Ignore"]
    assert "create-access-entry" not in ran.out


def test_a_node_is_found_by_its_name_though_its_role_is_mapped_wrongly(
    command: Command, system: System, kubeconfig: str, name: str
) -> None:
    ran = command.run("explain", NODE_NAME, "--kubeconfig", kubeconfig)
    assert f"{name}: Ignore\n" in ran.out
    assert CREATE in ran.out
