"""`csr-approver explain` against the services themselves, found as kubectl and the AWS CLI find theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from csr_approver.cli.stack import Stack
from csr_approver.clients.aws import AwsClients
from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import System
from tests.support.command import Command
from tests.support.requests import signing_request


def loaded(kubernetes: KubernetesApi, *names: str) -> str:
    """The name of a new request in the cluster."""
    return str(kubernetes.load(signing_request(*names))["metadata"]["name"])


def test_everything_is_read_where_it_is(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str
) -> None:
    own, others = loaded(kubernetes), loaded(kubernetes, "10.0.1.24")
    before = kubernetes.stored(own), kubernetes.stored(others)
    ran = command.run("explain", others, own, "--kubeconfig", kubeconfig, "--output", "json")
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Deny", "Approve"], "")
    assert [json.loads(line)["name"] for line in ran.out.splitlines()] == [others, own]
    assert (kubernetes.stored(own), kubernetes.stored(others)) == before
    assert {method for method, _, _ in kubernetes.requests} == {"GET"}
    operations = [call.operation for call in system.aws.calls]
    assert {"DescribeCluster", "DescribeInstances", "GetInstanceProfile", "GetRole"} <= set(operations)
    assert operations.count("DescribeInstances") == 1


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ("DescribeInstances", "InstanceUnreadable"),
        ("DescribeCluster", "ClusterUnreadable"),
        ("GetInstanceProfile", "InstanceProfileUnreadable"),
        ("GetRole", "TrustPolicyUnreadable"),
    ],
)
def test_what_aws_does_not_tell_leaves_the_request_undetermined(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str, operation: str, reason: str
) -> None:
    system.aws.fail_next(operation, "AccessDenied", times=10)
    ran = command.run("explain", loaded(kubernetes), "--kubeconfig", kubeconfig, "--output", "json")
    (line,) = ran.out.splitlines()
    assert (ran.status, ran.verdicts) == (0, ["Undetermined"])
    assert [finding["reason"] for finding in json.loads(line)["findings"]] == [reason]


def test_a_file_of_requests_goes_with_live_sources(command: Command, system: System) -> None:
    ran = command.run("explain", "--csr", command.file(signing_request()), "--output", "json")
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")
    assert "DescribeInstances" in [call.operation for call in system.aws.calls]


def test_live_requests_go_with_files(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    ran = command.explain(loaded(kubernetes), "--kubeconfig", kubeconfig, "--output", "json")
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")


def test_the_context_is_the_one_that_is_named(command: Command, kubernetes: KubernetesApi, kubeconfig: str) -> None:
    ran = command.explain(loaded(kubernetes), "--kubeconfig", kubeconfig, "--context", "nobody")
    assert (ran.status, ran.out) == (2, "")
    assert "403" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["csr-zzzzz"], "no request named csr-zzzzz", id="a request that is not there"),
        pytest.param(["csr-1", "--context", "nowhere"], "nowhere", id="a context that is not there"),
    ],
)
def test_what_is_not_in_the_cluster_is_told_in_one_line(
    command: Command, kubeconfig: str, arguments: list[str], words: str
) -> None:
    ran = command.explain(*arguments, "--kubeconfig", kubeconfig)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert words in ran.err


def test_an_api_server_that_is_down_is_told_in_one_line(command: Command) -> None:
    with KubernetesApi(lambda _: None) as kubernetes:
        path = command.file(yaml.safe_dump(kubernetes.kubeconfig("token")), "kubeconfig")
    ran = command.explain("csr-1", "--kubeconfig", path)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "did not answer" in ran.err


@pytest.mark.usefixtures("system")
def test_the_kubeconfig_is_found_as_kubectl_finds_it(kubernetes: KubernetesApi, kubeconfig: str) -> None:
    """In a process of its own, because the client library looks once."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("csr-approver"), "explain", loaded(kubernetes), "--output", "json"],
        env=os.environ | {"KUBECONFIG": kubeconfig},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ran.stdout)["verdict"] == "Approve"
    assert ran.stderr == ""


@pytest.mark.parametrize("other", ["AWS_REGION", "AWS_DEFAULT_REGION"])
@pytest.mark.usefixtures("system")
def test_one_of_the_two_variables_for_the_region_is_enough(
    command: Command, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.delenv(other)
    ran = command.run("explain", "--csr", command.file(signing_request()), "--output", "json")
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions that were deployed with settings of their own."""
    variables = {
        "CSR_APPROVER_CLUSTER": "demo",
        "CSR_APPROVER_MAX_EXPIRATION_SECONDS": "600",
        "CSR_APPROVER_DNS_CHECK": "require",
        "CSR_APPROVER_NODE_ROLES": "",
        "CSR_QUEUE_URL": "https://sqs.example/csr",
    }

    def find(_: AwsClients, name: str) -> Stack:
        return Stack(name, {}, {"Environment": {"Variables": variables}})

    monkeypatch.setattr("csr_approver.cli.live.find_stack", find)


@pytest.mark.usefixtures("system", "stack")
@pytest.mark.parametrize(
    ("variable", "arguments", "verdict", "note"),
    [
        pytest.param(
            None, ["--stack", "demo"], "Deny", "max-expiration-seconds=600 (--stack)", id="the stack's settings"
        ),
        pytest.param(None, [], "Approve", "; --stack NAME takes those of a deployed stack", id="not without --stack"),
        pytest.param("3600", ["--stack", "demo"], "Approve", "=3600 (the environment)", id="the environment over them"),
        pytest.param(
            "600",
            ["--stack", "demo", "--set", "max-expiration-seconds=7200"],
            "Approve",
            "=7200 (--set)",
            id="--set over both",
        ),
    ],
)
def test_a_stacks_settings(
    command: Command,
    kubernetes: KubernetesApi,
    kubeconfig: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    arguments: list[str],
    verdict: str,
    note: str,
) -> None:
    if variable:
        monkeypatch.setenv("CSR_APPROVER_MAX_EXPIRATION_SECONDS", variable)
    name = kubernetes.load(signing_request(spec={"expirationSeconds": 3600}))["metadata"]["name"]
    ran = command.run("explain", name, "--kubeconfig", kubeconfig, *arguments)
    assert (ran.status, ran.err) == (0, "")
    assert f"{name}: {verdict}\n" in ran.out
    assert note in ran.out.splitlines()[0]
    assert "dns-check" not in ran.out.splitlines()[0]
