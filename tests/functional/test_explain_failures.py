"""What is in the way of any verdict: one line that says what to change, exit status 2, and no minutes of waiting."""

import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import System
from tests.support.command import Command, Ran
from tests.support.requests import signing_request

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.fixture
def name(kubernetes: KubernetesApi) -> str:
    """A request that is approved if nothing is in the way."""
    return str(kubernetes.load(signing_request())["metadata"]["name"])


def assert_one_line(ran: Ran, *words: str) -> None:
    assert (ran.status, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    for word in words:
        assert word in line
    assert "Traceback" not in line


def explained(command: Command, kubeconfig: str, name: str, *arguments: str) -> Ran:
    return command.run("explain", name, "--kubeconfig", kubeconfig, "--output", "json", *arguments)


def closed_address() -> str:
    """Where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return "{}:{}".format(*listener.getsockname())


def with_user(command: Command, kubeconfig: str, user: Mapping[str, Any], **cluster: str) -> str:
    """The kubeconfig with another way to identify, and perhaps another server."""
    document = yaml.safe_load(Path(kubeconfig).read_text())
    document["users"] = [{"name": "viewer", "user": user}]
    document["clusters"][0]["cluster"] |= cluster
    return command.file(yaml.safe_dump(document), "other-kubeconfig")


@pytest.mark.usefixtures("system")
def test_nothing_is_in_the_way(command: Command, kubeconfig: str, name: str) -> None:
    ran = explained(command, kubeconfig, name)
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")


# The cluster


@pytest.mark.usefixtures("system")
def test_no_kubeconfig(command: Command) -> None:
    assert_one_line(command.run("explain", "csr-1", "--kubeconfig", "/nowhere"), "kubeconfig", "update-kubeconfig")


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("nobody", ["needs get on certificatesigningrequests.certificates.k8s.io", "nobody", "403"]),
        ("stranger", ["not accepted", "--context"]),
        ("nowhere", ["nowhere", "--context"]),
    ],
)
def test_a_context_without_the_right(
    command: Command, kubeconfig: str, name: str, context: str, words: list[str]
) -> None:
    assert_one_line(explained(command, kubeconfig, name, "--context", context), *words)


def executable(folder: Path, script: str) -> str:
    path = folder / "aws"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("echo Error loading SSO Token: expired >&2; echo; exit 255", ["loading SSO Token"], id="fails"),
        pytest.param("echo token", ["decode"], id="prints nonsense"),
        pytest.param(None, ["No such file"], id="is missing"),
    ],
)
def test_a_command_for_tokens_that(
    command: Command, kubeconfig: str, name: str, tmp_path: Path, script: str | None, words: list[str]
) -> None:
    path = executable(tmp_path, script) if script else "/nowhere/aws"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": path}}
    assert_one_line(explained(command, with_user(command, kubeconfig, user), name), "kubeconfig", *words)


@pytest.mark.usefixtures("system")
def test_a_command_for_tokens_tells_the_cluster_and_its_region(
    command: Command, kubeconfig: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aws eks get-token`: nothing else has to be said."""
    for variable in ("CSR_APPROVER_CLUSTER", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable)
    version = "client.authentication.k8s.io/v1beta1"
    answer = f'{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{"token": "viewer"}}}}'
    arguments = ["--region", "us-west-2", "eks", "get-token", "--cluster-name", "demo"]
    path = executable(tmp_path, f"echo '{answer}'")
    user = {"exec": {"apiVersion": version, "command": path, "args": arguments}}
    ran = explained(command, with_user(command, kubeconfig, user), name)
    assert (ran.status, ran.verdicts, ran.err) == (0, ["Approve"], "")


@pytest.mark.usefixtures("system")
def test_a_server_that_is_not_there(command: Command, kubeconfig: str) -> None:
    gone = f"https://{closed_address()}"
    path = with_user(command, kubeconfig, {"token": "viewer"}, server=gone)
    assert_one_line(explained(command, path, "csr-1"), gone, "did not answer", "--context")


# AWS


@pytest.fixture
def home(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the AWS CLI's files, which are looked into, unlike otherwise."""
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(variable)
    folder = tmp_path / ".aws"
    folder.mkdir()
    return folder


@pytest.fixture
def nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, without credentials in the environment."""
    for variable in CREDENTIALS:
        monkeypatch.delenv(variable)
    return home


@pytest.mark.usefixtures("nobody")
def test_no_credentials(command: Command, kubeconfig: str, name: str) -> None:
    ran = explained(command, kubeconfig, name)
    assert_one_line(ran, "no AWS credentials", "--profile", "AWS_ACCESS_KEY_ID")


def test_half_credentials(command: Command, kubeconfig: str, name: str, nobody: Path) -> None:
    (nobody / "credentials").write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
    assert_one_line(explained(command, kubeconfig, name), "no AWS credentials", "aws_secret_access_key")


@pytest.mark.usefixtures("home")
def test_a_profile_that_is_not_configured(command: Command, kubeconfig: str, name: str) -> None:
    ran = explained(command, kubeconfig, name, "--profile", "nobodys")
    assert_one_line(ran, "nobodys", "aws configure list-profiles")


def test_a_session_of_single_sign_on_that_never_began(
    command: Command, kubeconfig: str, name: str, nobody: Path
) -> None:
    (nobody / "config").write_text(
        "[profile ops]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-west-2\n"
        "sso_account_id = 111122223333\nsso_role_name = Ops\n"
    )
    assert_one_line(explained(command, kubeconfig, name, "--profile", "ops"), "SSO", "aws sso login")


def test_the_profile_of_kubectl_is_used_where_nothing_else_says_who_asks(
    command: Command, kubeconfig: str, name: str, nobody: Path, tmp_path: Path
) -> None:
    version = "client.authentication.k8s.io/v1beta1"
    answer = f'{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{"token": "viewer"}}}}'
    path = executable(tmp_path, f"echo '{answer}'")
    env = [{"name": "AWS_PROFILE", "value": "ops"}]
    arguments = ["eks", "get-token", "--cluster-name", "demo"]
    user = {"exec": {"apiVersion": version, "command": path, "args": arguments, "env": env}}
    other = with_user(command, kubeconfig, user)
    (nobody / "credentials").write_text("[ops]\naws_access_key_id = A\naws_secret_access_key = B\n")
    assert explained(command, other, name).verdicts == ["Approve"]
    (nobody / "credentials").write_text("[dev]\naws_access_key_id = A\naws_secret_access_key = B\n")
    assert_one_line(explained(command, other, name), "ops")
    assert explained(command, other, name, "--profile", "dev").verdicts == ["Approve"]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_credentials_that_aws_does_not_accept(
    command: Command, system: System, kubeconfig: str, name: str, code: str
) -> None:
    system.aws.fail_next("DescribeCluster", code, times=10, status=403)
    assert_one_line(explained(command, kubeconfig, name), "demo", code, "sign in again")


@pytest.mark.usefixtures("system")
def test_a_cluster_that_eks_does_not_have(command: Command, kubeconfig: str, name: str) -> None:
    ran = explained(command, kubeconfig, name, "--set", "cluster=prod")
    assert_one_line(ran, "no cluster prod in us-west-2", "--region", "--profile", "--set cluster=NAME")


@pytest.fixture
def closed(system: System, monkeypatch: pytest.MonkeyPatch) -> str:
    """AWS is an address at which nobody listens, which is what a region without EKS looks like."""
    url = f"http://{closed_address()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    return url


def test_aws_that_cannot_be_reached(command: Command, kubeconfig: str, name: str, closed: str) -> None:
    started = time.monotonic()
    assert_one_line(explained(command, kubeconfig, name), "us-west-2", closed, "--region")
    assert time.monotonic() - started < 10


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("region", ["us-wset-2", "x", "US_WEST_2!"])
def test_a_region_that_is_none(command: Command, kubeconfig: str, name: str, region: str) -> None:
    assert_one_line(explained(command, kubeconfig, name, "--region", region), region, "region")


@pytest.mark.usefixtures("closed")
def test_a_stack_where_aws_cannot_be_reached(command: Command, kubeconfig: str, name: str) -> None:
    assert_one_line(explained(command, kubeconfig, name, "--stack", "demo"), "--region")


# What is no obstacle, but may be a mistake


@pytest.mark.usefixtures("system")
def test_another_cluster_than_the_kubeconfigs_is_remarked(command: Command, kubeconfig: str, name: str) -> None:
    document = yaml.safe_load(Path(kubeconfig).read_text())
    document["clusters"][0]["name"] = "arn:aws:eks:us-west-2:111122223333:cluster/dev"
    for context in document["contexts"]:
        context["context"]["cluster"] = document["clusters"][0]["name"]
    ran = explained(command, command.file(yaml.safe_dump(document), "other-kubeconfig"), name)
    assert (ran.status, ran.verdicts) == (0, ["Approve"])
    assert ran.err == "csr-approver: the settings say cluster demo, the kubeconfig leads to dev\n"


@pytest.mark.parametrize("operation", ["DescribeInstances", "GetRole"])
def test_what_is_not_permitted_from_here_may_be_permitted_to_the_function(
    command: Command, system: System, kubeconfig: str, name: str, operation: str
) -> None:
    system.aws.fail_next(operation, "AccessDenied", times=10)
    ran = command.run("explain", name, "--kubeconfig", kubeconfig)
    assert ran.status == 0
    assert f"{operation} answered AccessDenied" in ran.out
    assert "with your own permissions: the function may see more" in ran.out
