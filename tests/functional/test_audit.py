"""`csr-approver audit`: what in a cluster needs a person, and what to do about it."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from csr_approver.cli import audit
from csr_approver.cli.audit.states import State
from csr_approver_local.kubernetes_api import CSRS_PATH, KubernetesApi
from csr_approver_local.pki import loopback_server_identity
from csr_approver_local.system import System
from tests.support.command import OFFLINE, Command, Ran, listed
from tests.support.kubelets import node
from tests.support.requests import ACCOUNT, ADDRESS, INSTANCE_ID, NODE_NAME, signing_request
from tests.support.terminal import Terminal

OTHER = "ip-10-0-1-99.us-west-2.compute.internal"
CERTIFICATE = base64.b64encode(loopback_server_identity().certificate).decode()
NOT_MAPPED = {
    "username": f"arn:aws:sts::{ACCOUNT}:assumed-role/NodeRole/{INSTANCE_ID}",
    "groups": ["system:authenticated"],
}
OPTIONS = [word for pair in OFFLINE.items() for word in pair]
NODES = "/api/v1/nodes"


def condition(kind: str, reason: str = "ByHand", age_seconds: float = 600, message: str = "") -> dict[str, Any]:
    time = datetime.now(UTC) - timedelta(seconds=age_seconds)
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastUpdateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def with_status(document: dict[str, Any], *conditions: dict[str, Any], certificate: str = "") -> dict[str, Any]:
    document["status"] = {"conditions": list(conditions)} | ({"certificate": certificate} if certificate else {})
    return document


def pending(age_seconds: float = 600, **changes: Any) -> dict[str, Any]:
    return signing_request(age_seconds=age_seconds, **changes)


def issued(age_seconds: float = 600) -> dict[str, Any]:
    return with_status(pending(age_seconds), condition("Approved"), certificate=CERTIFICATE)


def denied(age_seconds: float = 600, reason: str = "AddressNotOfInstance") -> dict[str, Any]:
    return with_status(pending(age_seconds), condition("Denied", reason, age_seconds, "asked 10.0.9.9"))


def audited(command: Command, *documents: dict[str, Any], options: tuple[str, ...] = ()) -> Any:
    """The JSON document; the exit status must be what its lines say."""
    ran = command.run("audit", "--csr", command.file(listed(*documents)), *OPTIONS, "--output", "json", *options)
    assert ran.err == ""
    content = json.loads(ran.out)
    assert ran.status == int(any(content["needsSomebody"].values()))
    return content


def states(content: Any) -> list[str]:
    return [entry["state"] for entry in content["entries"]]


@pytest.mark.parametrize(
    ("request_of", "state", "reason", "words"),
    [
        pytest.param(pending, "Pending", "NotDecided", "doctor", id="would be approved, and is not"),
        pytest.param(
            lambda: signing_request("10.0.1.99", age_seconds=600),
            "Pending",
            "AddressNotOfInstance",
            "--node-ip",
            id="would be denied",
        ),
        pytest.param(
            lambda: pending(instance_id="i-0123456789abcdeff"),
            "Pending",
            "InstanceNotFound",
            "account and region",
            id="would stay undetermined",
        ),
        pytest.param(
            lambda: pending(node_name="fargate-ip-10-0-1-7", instance_id=None),
            "Pending",
            "NotAnEC2Node",
            "NotAnEC2Node",
            id="nobody else decides it",
        ),
        pytest.param(denied, "Denied", "AddressNotOfInstance", "--node-ip", id="denied by us"),
        pytest.param(lambda: denied(reason="ByHand"), "Denied", "DeniedByOthers", "ByHand", id="denied by another"),
        pytest.param(
            lambda: with_status(pending(), condition("Approved"), condition("Failed", "SignerValidationFailure")),
            "Failed",
            "FailedBySigner",
            "SignerValidationFailure",
            id="failed by the signer",
        ),
        pytest.param(
            lambda: with_status(pending(), condition("Approved")),
            "NotIssued",
            "NotIssued",
            "ByHand",
            id="approved, not issued",
        ),
        pytest.param(
            lambda: pending(spec=NOT_MAPPED),
            "WrongMapping",
            "RequesterNotANode",
            "create-access-entry",
            id="wrong mapping",
        ),
        pytest.param(
            lambda: with_status(
                pending(spec={"username": f"system:node:{INSTANCE_ID}"}), condition("Denied", "SubjectMismatch")
            ),
            "WrongMapping",
            "SubjectMismatch",
            "create-access-entry",
            id="mapped to another type of node, and denied for that",
        ),
        pytest.param(
            lambda: with_status(
                pending(spec={"username": f"system:node:{OTHER}"}), condition("Denied", "SubjectMismatch")
            ),
            "Denied",
            "SubjectMismatch",
            "intrusion",
            id="denied for another node's name",
        ),
        pytest.param(
            lambda: pending(spec=NOT_MAPPED | {"username": "alice", "extra": None}),
            "Pending",
            "StrangeRequester",
            "is no EC2 instance",
            id="a person asks in a node's name",
        ),
    ],
)
def test_what_needs_somebody(
    command: Command, request_of: Callable[[], dict[str, Any]], state: str, reason: str, words: str
) -> None:
    document = request_of()
    content = audited(command, document)
    (entry,) = content["entries"]
    assert (entry["request"], entry["state"], entry["reason"]) == (document["metadata"]["name"], state, reason)
    assert words in json.dumps(entry)
    assert entry["whatToDo"]
    assert content["needsSomebody"][state] == 1


@pytest.mark.parametrize(
    ("request_of", "state"),
    [
        pytest.param(lambda: pending(10), "Pending", id="just made"),
        pytest.param(lambda: signing_request("10.0.1.99", age_seconds=10), "Pending", id="not denied yet"),
        pytest.param(lambda: pending(10, instance_id="i-0123456789abcdeff"), "Pending", id="not known to EC2 yet"),
        pytest.param(
            lambda: with_status(pending(20), condition("Approved", age_seconds=10)), "NotIssued", id="approved just now"
        ),
        pytest.param(issued, "Issued", id="issued"),
    ],
)
def test_what_needs_nobody_is_only_counted(
    command: Command, request_of: Callable[[], dict[str, Any]], state: str
) -> None:
    path = command.file(listed(request_of()))
    options = ("audit", "--csr", path, *OPTIONS, "--output", "json")
    ran = command.run(*options)
    content = json.loads(ran.out)
    assert (ran.status, content["entries"], content["fine"][state]) == (0, [], 1)
    (entry,) = json.loads(command.run(*options, "--all").out)["entries"]
    assert (entry["state"], entry["node"], entry["whatToDo"]) == (state, NODE_NAME, "")


@pytest.mark.parametrize(("days", "state"), [(0.7, "Issued"), (0.95, "Expiring"), (1.5, "Expired")])
def test_a_certificate_that_was_to_be_renewed(command: Command, days: float, state: str) -> None:
    """It is valid for a day either side of the present."""
    now = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    assert states(audited(command, issued(), options=("--all", "--now", now))) == [state]


def test_the_many_requests_of_a_node_are_one_line(command: Command) -> None:
    documents = [issued(5000), *(denied(32.0 * number) for number in range(100, 0, -1))]
    newest = documents[-1]["metadata"]["name"]
    (entry,) = audited(command, *documents)["entries"]
    assert (entry["state"], entry["requests"], entry["request"]) == ("Denied", {"Denied": 100}, newest)
    assert entry["ageSeconds"] >= 3200
    ran = command.run("audit", "--csr", command.file(listed(*documents)), *OPTIONS)
    assert f"{newest} +99  53m" in ran.out


def test_a_certificate_settles_what_was_before_it(command: Command) -> None:
    assert states(audited(command, denied(600), denied(60), issued(10), options=("--all",))) == ["Issued"]
    assert states(audited(command, issued(600), denied(60), options=("--all",))) == ["Denied"]


@pytest.mark.parametrize(
    ("names", "verdict", "words"),
    [
        pytest.param((), "Approve", "every rule holds", id="as it must be"),
        pytest.param(("10.0.1.99",), "Deny", "10.0.1.99 is", id="no signer that looks would issue it"),
    ],
)
def test_what_was_approved_and_not_issued_is_judged_all_the_same(
    command: Command, names: tuple[str, ...], verdict: str, words: str
) -> None:
    document = with_status(signing_request(*names, age_seconds=600), condition("Approved"))
    (entry,) = audited(command, document)["entries"]
    assert (entry["state"], entry["verdict"]) == ("NotIssued", verdict)
    assert words in entry["detail"]


def test_a_certificate_settles_nothing_that_is_suspicious(command: Command) -> None:
    (entry,) = audited(command, denied(600, "ReservedIdentity"), issued(10))["entries"]
    assert (entry["state"], entry["reason"], entry["severity"]) == ("Denied", "ReservedIdentity", "suspicious")


def test_a_kubelet_that_is_denied_again_and_again_always_has_a_new_request(command: Command) -> None:
    """The approver waits a minute before it denies: what is young is no reason for patience here."""
    newest = signing_request("10.0.1.24", age_seconds=10)
    (entry,) = audited(command, denied(60), denied(90), newest)["entries"]
    assert (entry["state"], entry["requests"]) == ("Pending", {"Denied": 2, "Pending": 1})


@pytest.mark.parametrize(("name", "severity"), [(INSTANCE_ID, "broken"), (OTHER, "suspicious")])
def test_a_wrong_mapping_explains_what_would_be_suspicious(command: Command, name: str, severity: str) -> None:
    (entry,) = audited(command, pending(spec={"username": f"system:node:{name}"}))["entries"]
    assert (entry["reason"], entry["severity"]) == ("SubjectMismatch", severity)


def test_a_person_who_asks_for_two_nodes_is_two_entries(command: Command) -> None:
    person = NOT_MAPPED | {"username": "alice", "extra": None}
    first, second = (pending(60, node_name=name, spec=person) for name in (NODE_NAME, OTHER))
    content = audited(command, first, second)
    assert {(entry["requester"], entry["node"]) for entry in content["entries"]} == {
        ("alice", NODE_NAME),
        ("alice", OTHER),
    }


def test_what_is_suspicious_does_not_hide_among_what_is_alike(command: Command) -> None:
    """Both were approved and not issued, the older one for a name of the API server's."""
    approved = [
        with_status(signing_request(*names, age_seconds=age_seconds), condition("Approved"))
        for names, age_seconds in ((("kubernetes.default.svc",), 900), ((), 600))
    ]
    severities = [entry["severity"] for entry in audited(command, *approved)["entries"]]
    assert severities == ["suspicious", "broken"]


def test_two_instances_of_one_name_are_two_entries(command: Command) -> None:
    gone = pending(3600, instance_id="i-0123456789abcdef7")
    assert states(audited(command, gone, issued(60), options=("--all",))) == ["Pending", "Issued"]


def test_the_worst_comes_first_and_the_counts_last(command: Command) -> None:
    approved = with_status(signing_request(node_name=OTHER, age_seconds=600), condition("Approved"))
    ran = command.run("audit", "--csr", command.file(listed(approved, denied(), pending(5, spec=NOT_MAPPED))), *OPTIONS)
    assert (ran.status, ran.err) == (1, "")
    heading, *lines = ran.out.splitlines()
    assert heading.split() == ["STATE", "NODE", "REQUEST", "AGE", "REASON", "WHAT", "TO", "DO"]
    assert [line.split()[0] for line in lines[:3]] == ["WrongMapping", "Denied", "NotIssued"]
    assert any(line.startswith("     $ aws eks create-access-entry --cluster-name demo") for line in lines)
    told = [line for line in lines if line.startswith(("needs somebody", "fine", "read"))]
    assert told == [
        "needs somebody  3: 1 WrongMapping, 1 Denied, 1 NotIssued",
        "fine            0",
        "read            3 requests, nodes are not known",
    ]


@pytest.mark.parametrize("columns", [80, 250])
def test_what_is_too_wide_for_a_terminal_stands_below(
    command: Command, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    options = ("audit", "--csr", command.file(listed(denied(reason="ByHand"))), *OPTIONS)
    terminal = Terminal(monkeypatch, columns)
    command.run(*options)
    heading, row, below, *_ = terminal.getvalue().splitlines()
    assert ("REASON" in heading, "asked 10.0.9.9" in row) == (columns == 250, columns == 250)
    assert (below == "    ByHand: asked 10.0.9.9") is (columns == 80)
    assert max(map(len, (heading, row))) <= columns


def test_yaml_says_what_json_says(command: Command) -> None:
    path, now = command.file(listed(denied(), issued())), "2100-01-01T00:00:00Z"
    options = ("audit", "--csr", path, *OPTIONS, "--all", "--now", now, "--output")
    assert yaml.safe_load(command.run(*options, "yaml").out) == json.loads(command.run(*options, "json").out)


def test_an_empty_cluster_needs_nobody(command: Command) -> None:
    ran = command.run("audit", "--csr", command.file(listed()), *OPTIONS)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["needs somebody  0", "fine            0"]


def test_texts_of_requesters_reach_no_terminal(command: Command) -> None:
    document = with_status(pending(), condition("Denied", "x\x1b[2J", message="y\x1b[2J\nz"))
    ran = command.run("audit", "--csr", command.file(listed(document)), *OPTIONS)
    assert ran.status == 1
    assert "\x1b" not in ran.out


def test_nodes_without_a_request(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    """Of a node that is between ten minutes and an hour old there must be one."""
    for name, age_seconds in (("young", 60), ("due", 1800), ("old", 7200)):
        kubernetes.load_node(node(name, age_seconds=age_seconds))
    content = json.loads(run(command, kubeconfig, "--all").out)
    found = {entry["node"]: (entry["state"], entry["severity"]) for entry in content["entries"]}
    assert found == {"young": ("Unseen", "fine"), "due": ("NoRequest", "risk"), "old": ("Unseen", "fine")}


def load(kubernetes: KubernetesApi) -> None:
    kubernetes.load(pending(600))
    kubernetes.load(denied(3000))
    kubernetes.load_node(node(NODE_NAME, ("InternalIP", ADDRESS)))
    kubernetes.load_node(node(OTHER))


def run(command: Command, kubeconfig: str, *options: str) -> Ran:
    return command.run("audit", "--kubeconfig", kubeconfig, "--output", "json", *options)


def test_a_cluster_is_read_page_by_page_and_not_written(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    load(kubernetes)
    ran = run(command, kubeconfig, "--all")
    assert (ran.status, ran.err) == (1, "")
    assert [(entry["node"], entry["state"], entry["requests"]) for entry in json.loads(ran.out)["entries"]] == [
        (NODE_NAME, "Pending", {"Pending": 1}),
        (NODE_NAME, "Denied", {"Denied": 1}),
        (OTHER, "Unseen", {}),
    ]
    assert {method for method, _, _ in kubernetes.requests} == {"GET"}
    assert all("limit=500" in target for _, target, _ in kubernetes.requests)


def test_pages_are_read_to_the_last(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    """Of requests that are over, nothing is asked of AWS, which is not there."""
    for number in range(1001):
        kubernetes.load(issued())
        kubernetes.load_node(node(f"node-{number}"))
    content = json.loads(run(command, kubeconfig).out)
    assert (content["requests"], content["nodes"], content["fine"]["Unseen"]) == (1001, 1001, 1001)
    assert [target.partition("?")[0] for _, target, _ in kubernetes.requests] == [NODES] * 3 + [CSRS_PATH] * 3


@pytest.mark.parametrize(("on_a_terminal", "shown"), [(True, "\r\x1b[Krequests: 1 read\r\x1b[K"), (False, "")])
def test_a_terminal_shows_how_far_it_is(
    command: Command, monkeypatch: pytest.MonkeyPatch, on_a_terminal: bool, shown: str
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: on_a_terminal)
    assert command.run("audit", "--csr", command.file(listed(issued()))).err == shown


def test_a_node_that_is_not_there_is_told_beside_its_request(command: Command) -> None:
    requests = command.file(listed(pending()))
    for name, missing in ((NODE_NAME, False), (OTHER, True)):
        nodes = command.file(listed(node(name)), "nodes.json")
        ran = command.run("audit", "--csr", requests, "--nodes", nodes, *OPTIONS)
        assert ("would be approved; the node is not there" in ran.out) is missing


@pytest.mark.parametrize(
    ("operation", "permission", "reason"),
    [
        ("DescribeCluster", "eks:DescribeCluster", "ClusterUnreadable"),
        ("DescribeInstances", "ec2:DescribeInstances", "InstanceUnreadable"),
        ("GetInstanceProfile", "iam:GetInstanceProfile", "InstanceProfileUnreadable"),
        ("GetRole", "iam:GetRole", "TrustPolicyUnreadable"),
    ],
)
def test_what_aws_does_not_tell_is_named_with_its_permission(
    command: Command,
    system: System,
    kubernetes: KubernetesApi,
    kubeconfig: str,
    operation: str,
    permission: str,
    reason: str,
) -> None:
    system.aws.fail_next(operation, "AccessDenied", times=10)
    kubernetes.load(pending())
    ran = run(command, kubeconfig)
    assert [entry["reason"] for entry in json.loads(ran.out)["entries"]] == [reason]
    assert len(ran.err.splitlines()) == 1
    assert f"it takes {permission}" in ran.err


def test_without_credentials_open_requests_cannot_be_judged(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    options = ("audit", "--kubeconfig", kubeconfig, "--region", "us-west-2", "--set", "cluster=demo")
    kubernetes.load(issued())
    assert command.run(*options).status == 0
    kubernetes.load(pending())
    ran = command.run(*options)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "no AWS credentials" in ran.err


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        pytest.param("--csr", node(NODE_NAME), "holds no CertificateSigningRequest", id="no request"),
        pytest.param("--nodes", "", "holds no object; expected what `kubectl get nodes -o json` prints", id="nothing"),
        pytest.param("--nodes", "{", "is neither JSON nor YAML", id="no object"),
    ],
)
def test_a_file_of_something_else_is_told_in_one_line(command: Command, option: str, content: Any, words: str) -> None:
    path = command.file(content, "other")
    ran = command.run("audit", "--csr", command.file(listed()), option, path)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert words in ran.err


def test_the_help_says_what_each_state_means() -> None:
    assert {line.split()[0] for line in str(audit.__doc__).splitlines() if line.startswith("    ")} == set(State)


@pytest.mark.usefixtures("system")
def test_who_may_not_list_nodes_is_told_so_and_gets_the_rest(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    load(kubernetes)
    ran = run(command, kubeconfig, "--context", "lister", "--all")
    assert ran.status == 1
    assert {entry["node"] for entry in json.loads(ran.out)["entries"]} == {NODE_NAME}
    assert len(ran.err.splitlines()) == 1
    assert "needs list on nodes" in ran.err


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    ("context", "words"), [("getter", "needs list on certificatesigningrequests"), ("stranger", "not accepted")]
)
def test_who_may_not_list_requests_is_told_which_permission_it_takes(
    command: Command, kubernetes: KubernetesApi, kubeconfig: str, context: str, words: str
) -> None:
    load(kubernetes)
    ran = run(command, kubeconfig, "--context", context)
    assert (ran.status, ran.out) == (2, "")
    assert words in ran.err.splitlines()[-1]


def test_a_role_is_asked_for_once(command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    for number in range(3):
        kubernetes.load(signing_request(node_name=f"ip-10-0-2-{number}.us-west-2.compute.internal", spec=NOT_MAPPED))
    ran = command.run("audit", "--kubeconfig", kubeconfig)
    assert ran.status == 1
    assert ran.out.count("     $ aws eks create-access-entry") == 1
    assert [call.operation for call in system.aws.calls].count("ListAccessEntries") == 1
