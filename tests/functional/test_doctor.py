"""`csr-approver doctor`: where all is well it says so, and one thing broken turns exactly the lines about it."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import APPROVER, WATCHER, System
from tests.support import healthy
from tests.support.command import Command, Ran
from tests.support.healthy import APPROVER_ROLE, AWS_AUTH, OPERATOR, Break, Healthy, role_arn
from tests.support.iam import role_document, statement, trust_policy
from tests.support.requests import signing_request


@pytest.fixture(scope="module")
def log_lines() -> list[dict[str, Any]]:
    """Those of the handlers, once; before a test's own system is there."""
    return healthy.logged()


@pytest.fixture
def world(log_lines: list[dict[str, Any]], system: System, monkeypatch: pytest.MonkeyPatch) -> Iterator[Healthy]:
    """All is well, two watchers are heard, and one request is pending."""
    monkeypatch.delenv("CSR_APPROVER_CLUSTER")
    monkeypatch.delenv("CSR_APPROVER_DNS_SERVERS")
    identities, operator = healthy.identities(), {"operator": OPERATOR}
    with KubernetesApi(operator.get, identities) as kubernetes:
        world = Healthy(system, kubernetes, identities, operator)
        now = datetime.now(UTC).isoformat()
        world.log(*({**line, "sentAt": now} if "sentAt" in line else line for line in log_lines))
        kubernetes.load(signing_request())
        yield world


@pytest.fixture
def doctor(command: Command, world: Healthy) -> Any:
    """Run the command against the world as it is then."""
    document = world.kubernetes.kubeconfig("operator")
    # What makes the kubeconfig that of an EKS cluster is the name that `aws eks update-kubeconfig` gives.
    arn = "arn:aws:eks:us-west-2:111122223333:cluster/demo"
    document["clusters"][0]["name"] = document["contexts"][0]["context"]["cluster"] = arn
    kubeconfig = command.file(yaml.safe_dump(document), "kubeconfig")

    def run(*arguments: str) -> Ran:
        world.serve()
        return command.run("doctor", "--kubeconfig", kubeconfig, *arguments)

    return run


def lines(ran: Ran) -> dict[str, dict[str, str]]:
    """By section and check, which name a line."""
    found = json.loads(ran.out)
    named = {f"{line['section']}/{line['check']}": line for line in found}
    assert len(named) == len(found)
    return named


def states(ran: Ran) -> dict[str, str]:
    return {name: line["state"] for name, line in lines(ran).items() if line["state"] != "ok"}


def test_where_all_is_well_every_line_is_ok(world: Healthy, doctor: Any) -> None:
    before = [world.kubernetes.stored(f"csr-{number:05}") for number in range(1, 50)]
    ran = doctor("--output", "json")
    assert (states(ran), ran.status, ran.err) == ({}, 0, "")
    assert [world.kubernetes.stored(f"csr-{number:05}") for number in range(1, 50)] == before
    asked = {(method, target.partition("?")[2]) for method, target, _ in world.kubernetes.requests if method == "PUT"}
    assert asked == {("PUT", "dryRun=All")}
    assert len({line["section"] for line in json.loads(ran.out)}) == 9


def test_the_text_has_a_mark_a_line_and_counts(doctor: Any) -> None:
    ran = doctor()
    assert ran.status == 0
    assert "\n  ok  found" in ran.out
    assert "0 to be mended, 0 not known, 0 not applicable" in ran.out.splitlines()[-1]


def _function(**changes: Any) -> Break:
    return lambda world: world.functions["ApproverFunction"].update(changes)


def _set(**settings: str) -> Break:
    return lambda world: world.settings.update({f"CSR_APPROVER_{name}": value for name, value in settings.items()})


def _config_map_mode(world: Healthy, *items: dict[str, Any]) -> None:
    world.cluster["cluster"]["accessConfig"]["authenticationMode"] = "CONFIG_MAP"
    node = {"rolearn": role_arn("NodeRole"), "username": "x", "groups": ["system:nodes"]}
    world.kubernetes.serve(AWS_AUTH, {"kind": "ConfigMap", "data": {"mapRoles": yaml.safe_dump([node, *items])}})


def _aws_auth(arn: str, *groups: str) -> Break:
    return lambda world: _config_map_mode(world, {"rolearn": arn, "username": "csr-approver", "groups": list(groups)})


def _rights(name: str, *, more: tuple[str, str] | None = None, less: tuple[str, str] | None = None) -> Break:
    def change(world: Healthy) -> None:
        user = world.identities[name]
        world.identities[name] = replace(
            user, permissions=(user.permissions | {more} if more else user.permissions) - {less}
        )

    return change


def _without(action: str) -> Break:
    """The approver's policies no longer give it."""

    def change(world: Healthy) -> None:
        for each in world.policies[role_arn(APPROVER_ROLE)]["Statement"]:
            actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
            each["Action"] = [other for other in actions if other != action]

    return change


def _queue_refuses(world: Healthy) -> None:
    _, refusal = world.queue_policies[world.system.denial_queue]["Statement"]
    refusal["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] = [role_arn("Other")]


def _trust(principal: dict[str, str]) -> Break:
    role = role_document("NodeRole", trust_policy(statement(), statement(principal)))
    return lambda world: world.system.aws.put_roles({"Roles": [role]})


def _left(finding: str, effect: str = "left", **more: str) -> Break:
    line = {"message": "decision", "verdict": "Undetermined", "effect": effect, "findings": [finding], **more}
    return lambda world: world.log(line)


def _dead_letter(world: Healthy) -> None:
    world.system.sqs.send_message(QueueUrl=f"{world.system.csr_queue}-dlq", MessageBody="x")


BROKEN: dict[str, tuple[Break, dict[str, str]]] = {
    "the function's update failed": (
        _function(LastUpdateStatus="Failed", LastUpdateStatusReason="no subnet"),
        {"stack/approver": "no subnet"},
    ),
    "the event source is disabled": (
        lambda world: setattr(world, "event_source_state", "Disabled"),
        {"stack/event source Approver": "update-event-source-mapping"},
    ),
    "a setting that is none": (
        _set(DNS_CHECK="maybe"),
        {"stack/settings": "dns-check"},
    ),
    "a stack of another cluster": (
        _set(CLUSTER="other"),
        {
            "stack/cluster": "the stack serves other",
            "watcher/settings": "CSR_WATCHER_CLUSTER=other",
            "permissions in AWS/EKS": "cluster/other",
        },
    ),
    "no access entry": (
        lambda world: world.access_entries.pop(0),
        {"cluster/approver's mapping": "aws eks create-access-entry"},
    ),
    "an access entry without the group": (
        lambda world: world.access_entries[0]["accessEntry"].update(kubernetesGroups=["viewers"]),
        {"cluster/approver's mapping": "aws eks update-access-entry"},
    ),
    "an aws-auth without the approver": (
        _config_map_mode,
        {"cluster/approver's mapping": "has no item"},
    ),
    "an aws-auth with the role's path": (
        _aws_auth(f"arn:aws:iam::111122223333:role/team/{APPROVER_ROLE}", "csr-approver"),
        {"cluster/approver's mapping": "with its path"},
    ),
    "an aws-auth without the group": (
        _aws_auth(role_arn(APPROVER_ROLE), "others"),
        {"cluster/approver's mapping": "does not give"},
    ),
    "the ClusterRole lacks the signer": (
        _rights(APPROVER.username, less=("approve", "signers/kubernetes.io/kubelet-serving")),
        {
            "rights in the cluster/approver may": "kubectl apply -k watcher/deploy",
            "rights in the cluster/approval": "not permitted to approve",
        },
    ),
    "the approver may approve every signer": (
        _rights(APPROVER.username, more=("approve", "signers/kubernetes.io/*")),
        {"rights in the cluster/approver may no more": "approve signers kubernetes.io/kube-apiserver-client"},
    ),
    "the watcher may read secrets": (
        _rights(WATCHER.username, more=("list", "secrets")),
        {"rights in the cluster/watcher may no more": "list secrets"},
    ),
    "the watcher may not watch": (
        _rights(WATCHER.username, less=("watch", "certificatesigningrequests")),
        {"rights in the cluster/watcher may": "may not: watch"},
    ),
    "a watcher that is not ready": (
        lambda world: world.watcher["status"].update(readyReplicas=1),
        {"watcher/pods": "1 of 2 are ready"},
    ),
    "the image is not set": (
        lambda world: world.watcher["spec"]["template"]["spec"]["containers"][0].update(
            image="registry.example/csr-watcher:0.1.0"
        ),
        {"watcher/image": "newName"},
    ),
    "the watcher sends to another queue": (
        lambda world: world.watcher_settings.update(CSR_WATCHER_QUEUE_URL="https://sqs.example/111122223333/other"),
        {"watcher/settings": "CSR_WATCHER_QUEUE_URL="},
    ),
    "the functions are of another version": (
        lambda world: world.log(
            {"message": "heartbeat", "watcher": "csr-watcher-0", "version": "0.0.9", "approver": "0.1.0"}
        ),
        {"watcher/versions": "csr-watcher-0 0.0.9"},
    ),
    "DNS does not answer the function": (
        _left("DnsUnavailable: a.corp.example no answer"),
        {"decisions/DNS DnsUnavailable": "a.corp.example"},
    ),
    "the API server does not know the function": (
        _left("RequestUnreadable: csr-1 the API server answered 401 Unauthorized"),
        {"decisions/sources RequestUnreadable": "delete its access entry"},
    ),
    "decisions cannot be written": (
        _left("", effect="write-failed", error="the API server answered 403"),
        {"decisions/writing": "answered 403"},
    ),
    "EC2 may not be asked": (_without("ec2:DescribeInstances"), {"permissions in AWS/EC2": "ec2:DescribeInstances"}),
    "the organization denies IAM": (
        lambda world: world.system.aws.role_policies.denied_by_organization.add("iam:GetRole"),
        {"permissions in AWS/IAM roles": "a policy of the organization"},
    ),
    "denials may not be recorded": (
        _without("sqs:SendMessage"),
        {"permissions in AWS/SQS denial queue": "sqs:SendMessage"},
    ),
    "the denial queue refuses the approver": (_queue_refuses, {"queues/denial queue": "refuses role"}),
    "dead letters": (_dead_letter, {"queues/dead letters CSRs": "aws sqs receive-message"}),
    "the cluster's security group lets nobody in": (
        lambda world: world.ingress.clear(),
        {"network/security group": f"--source-group {healthy.FUNCTION_GROUP}"},
    ),
    "a public subnet": (
        lambda world: world.routes.__setitem__(
            1, {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0123456789abcdef0", "State": "active"}
        ),
        {f"network/way out {healthy.SUBNET}": "private subnets"},
    ),
    "a VPC without DNS": (
        lambda world: setattr(world, "dns_support", False),
        {"network/VPC's resolver": "--enable-dns-support"},
    ),
    "a private endpoint and custom domains, seen from outside the VPC": (
        _function(VpcConfig={}),
        {"network/endpoint": "outside any VPC", "decisions/custom domains": "outside any VPC"},
    ),
    "a node role that others may assume": (
        _trust({"AWS": "arn:aws:iam::111122223333:root"}),
        {"node roles/trust policy NodeRole": "RoleAssumableByOthers"},
    ),
    "node-roles names none": (
        _set(NODE_ROLES=role_arn("Elsewhere")),
        {"node roles/node-roles": "names none"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_thing_broken_turns_its_line(world: Healthy, doctor: Any, what: str) -> None:
    change, expected = BROKEN[what]
    change(world)
    ran = doctor("--output", "json")
    found = {name: line for name, line in lines(ran).items() if line["state"] == "wrong"}
    assert found.keys() == expected.keys()
    for name, text in expected.items():
        assert text in f"{found[name]['detail']} {found[name]['mend']}"
        assert found[name]["mend"]
    assert (ran.status, ran.err) == (1, "")


def test_a_role_in_aws_auth_is_fine_in_that_mode(world: Healthy, doctor: Any) -> None:
    _aws_auth(role_arn(APPROVER_ROLE), "csr-approver")(world)
    assert states(doctor("--output", "json")) == {}


def test_a_watcher_that_was_heard_long_ago(world: Healthy, doctor: Any) -> None:
    line = {"message": "heartbeat", "watcher": "csr-watcher-2", "version": "0.1.0", "approver": "0.1.0"}
    world.log(line, seconds_ago=300)
    assert states(doctor("--output", "json")) == {"watcher/heartbeat csr-watcher-2": "wrong"}


def test_a_queue_on_which_heartbeats_wait(world: Healthy, doctor: Any) -> None:
    sent = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - 100))
    line = {"message": "heartbeat", "watcher": "csr-watcher-0", "version": "0.1.0", "approver": "0.1.0"}
    world.log(line | {"sentAt": sent})
    assert states(doctor("--output", "json")) == {"queues/age": "wrong"}


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("SimulatePrincipalPolicy", ["permissions in AWS/EC2", "permissions in AWS/IAM", "permissions in AWS/EKS"]),
        ("DescribeSecurityGroups", ["network/security group"]),
        ("ListEventSourceMappings", ["stack/event source"]),
        ("FilterLogEvents", ["watcher/heartbeat", "watcher/versions", "decisions/sources", "decisions/DNS"]),
    ],
)
def test_what_may_not_be_looked_at_keeps_nothing_else_from_it(
    world: Healthy, doctor: Any, operation: str, names: list[str]
) -> None:
    world.system.aws.fail_next(operation, "AccessDeniedException", times=100)
    ran = doctor("--output", "json")
    found = lines(ran)
    assert {found[name]["state"] for name in names} == {"unknown"}
    assert all(f":{operation}" in found[name]["detail"] for name in names)
    assert "wrong" not in states(ran).values()
    assert (found["stack/found"]["state"], found["watcher/pods"]["state"], ran.status) == ("ok", "ok", 0)


@pytest.mark.parametrize(
    ("permission", "states_then"),
    [
        (("impersonate", "users"), {"rights in the cluster/approval": "unknown"}),
        (
            ("create", "subjectaccessreviews"),
            {
                f"rights in the cluster/{who} may{more}": "unknown"
                for who in ("approver", "watcher")
                for more in ("", " no more")
            },
        ),
        (
            ("get", "statefulsets"),
            {f"watcher/{check}": "unknown" for check in ("pods", "image", "settings")},
        ),
    ],
)
def test_an_operator_with_fewer_rights_is_told_which(
    world: Healthy, doctor: Any, permission: tuple[str, str], states_then: dict[str, str]
) -> None:
    world.operator["operator"] = replace(OPERATOR, permissions=OPERATOR.permissions - {permission})
    ran = doctor("--output", "json")
    assert (states(ran), ran.status) == (states_then, 0)
    assert all(permission[1].split(".")[0] in lines(ran)[name]["detail"] for name in states_then)


def test_without_a_pending_request_nothing_is_tried(world: Healthy, doctor: Any) -> None:
    for number in range(1, 10_000):
        if (stored := world.kubernetes.stored(f"csr-{number:05}")) is not None:
            stored["status"] = {"conditions": [{"type": "Approved", "status": "True"}]}
            world.kubernetes.load(stored)
    ran = doctor("--output", "json")
    assert states(ran) == {"rights in the cluster/approval": "not-applicable"}
    assert "PUT" not in {method for method, _, _ in world.kubernetes.requests}


def test_without_a_stack_the_cluster_is_looked_at(world: Healthy, doctor: Any) -> None:
    ran = doctor("--output", "json", "--stack", "nobody")
    found = lines(ran)
    assert found["stack/found"]["state"] == "wrong"
    assert "sam deploy --guided --stack-name nobody --parameter-overrides Cluster=demo" in found["stack/found"]["mend"]
    assert [name for name, state in states(ran).items() if state == "wrong"] == ["stack/found"]
    assert found["cluster/status"]["state"] == found["watcher/pods"]["state"] == "ok"


def test_without_a_watcher_it_is_to_be_installed(world: Healthy, doctor: Any) -> None:
    other = doctor("--output", "json", "--watcher-namespace", "elsewhere")
    found = lines(other)
    assert found["watcher/pods"]["state"] == "wrong"
    assert "kubectl apply -k watcher/deploy" in found["watcher/pods"]["mend"]
    assert found["watcher/settings"]["state"] == "not-applicable"


def test_without_an_api_server_the_stack_is_looked_at(world: Healthy, doctor: Any) -> None:
    world.kubernetes.fail_next("GET", "/version", 401, times=100)
    found = lines(doctor("--output", "json"))
    assert found["rights in the cluster/approver may"]["state"] == found["watcher/pods"]["state"] == "unknown"
    assert found["stack/found"]["state"] == found["permissions in AWS/EC2"]["state"] == "ok"


@pytest.mark.usefixtures("world")
def test_without_credentials_it_says_so_once(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ran = doctor()
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "no AWS credentials" in ran.err
