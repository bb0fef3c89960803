"""Which EKS cluster a kubeconfig's context leads to."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_approver.clients.kubeconfig import EksContext, eks_context

ARN = "arn:aws:eks:eu-west-1:111122223333:cluster/demo"
SERVER = "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"
TOKEN_ARGUMENTS = ["--region", "us-west-2", "eks", "get-token", "--cluster-name", "demo", "--output", "json"]


def kubeconfig(
    folder: Path, *, cluster: str = "somebody", server: str = "https://10.0.0.1", command: Any = None
) -> str:
    user = {"exec": command} if command is not None else {"token": "x"}
    document = {
        "current-context": "me",
        "contexts": [
            {"name": "me", "context": {"cluster": cluster, "user": "me"}},
            {"name": "broken", "context": {"cluster": "nowhere", "user": "nobody"}},
        ],
        "clusters": [{"name": cluster, "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def execs(*arguments: str, command: str = "aws", **variables: str) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in variables.items()]
    return {"command": command, "args": list(arguments), "env": env or None}


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        pytest.param({"cluster": ARN}, EksContext("demo", "eu-west-1"), id="named by the AWS CLI"),
        pytest.param({"cluster": "demo.eu-west-1.eksctl.io"}, EksContext("demo", "eu-west-1"), id="named by eksctl"),
        pytest.param(
            {"command": execs(*TOKEN_ARGUMENTS)}, EksContext("demo", "us-west-2"), id="with tokens of the AWS CLI"
        ),
        pytest.param(
            {"command": execs("eks", "get-token", "--cluster-name=demo", "--profile=ops"), "server": SERVER},
            EksContext("demo", "us-west-2", "ops"),
            id="with the region in the server's name",
        ),
        pytest.param(
            {"command": execs("eks", "get-token", "--cluster-name", "demo", AWS_PROFILE="ops", AWS_REGION="us-west-2")},
            EksContext("demo", "us-west-2", "ops"),
            id="with profile and region in the command's environment",
        ),
        pytest.param(
            {"command": execs("token", "-i", "demo", command="/usr/local/bin/aws-iam-authenticator"), "server": SERVER},
            EksContext("demo", "us-west-2"),
            id="with tokens of the authenticator",
        ),
        pytest.param(
            {"command": execs("token", "--cluster-id", "demo", command="aws-iam-authenticator.exe")},
            EksContext("demo", None),
            id="without any region",
        ),
        pytest.param(
            {"cluster": ARN, "command": execs("eks", "get-token", "--cluster-name", "prod")},
            EksContext("prod", "eu-west-1"),
            id="whose tokens are for another cluster than its name says",
        ),
        pytest.param(
            {"cluster": ARN, "command": execs("login", command="oidc")},
            EksContext("demo", "eu-west-1"),
            id="with tokens of another command",
        ),
        pytest.param({"cluster": ARN, "command": execs()}, EksContext("demo", "eu-west-1"), id="without arguments"),
        pytest.param({}, None, id="of somebody's own making"),
        pytest.param({"server": SERVER}, None, id="whose server alone is EKS's"),
        pytest.param({"command": execs("eks", "get-token", "--cluster-id", "demo")}, None, id="of an Outpost"),
        pytest.param({"cluster": ARN, "command": "aws"}, None, id="whose command is none"),
    ],
)
def test_a_context(tmp_path: Path, parts: dict[str, Any], found: EksContext | None) -> None:
    assert eks_context(kubeconfig(tmp_path, **parts)) == found


@pytest.mark.parametrize("context", ["nowhere", "broken"])
def test_a_context_that_leads_nowhere(tmp_path: Path, context: str) -> None:
    assert eks_context(kubeconfig(tmp_path, cluster=ARN), "me") == EksContext("demo", "eu-west-1")
    assert eks_context(kubeconfig(tmp_path, cluster=ARN), context) is None


@pytest.mark.parametrize("content", ["", "[]", "{]", "kind: Config"])
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert eks_context(str(tmp_path / "kubeconfig")) is None
    assert eks_context(str(tmp_path / "nothing")) is None
