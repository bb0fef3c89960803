"""What AWS and the API server refuse, as one line that says what to change."""

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli.failures import aws_failure, cluster_failure
from csr_approver.clients.api_server import KubernetesError


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeInstances")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.NoCredentialsError(), ["no AWS credentials", "--profile", "AWS_PROFILE"]),
        (exceptions.ProfileNotFound(profile="ops"), ["ops", "aws configure list-profiles"]),
        (exceptions.UnauthorizedSSOTokenError(), ["expired", "aws sso login"]),
        (exceptions.SSOTokenLoadError(error_msg="gone"), ["gone", "aws sso login"]),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="gone"), ["gone", "sign in again"]),
        (exceptions.LoginRefreshRequired(), ["expired", "sign in again"]),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), ["https://x", "--region"]),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), ["https://x", "--region"]),
        (exceptions.UnknownRegionError(region_name="x", error_msg="a b"), ["x"]),
        (refused("ExpiredToken"), ["ExpiredToken", "--profile"]),
        (refused("AuthFailure"), ["AuthFailure", "--profile"]),
        (refused("UnauthorizedOperation", "you may not"), ["needs ec2:DescribeInstances", "you may not"]),
        (refused("AccessDeniedException"), ["needs ec2:DescribeInstances"]),
        (refused("Throttling", "slow\n down"), ["Throttling", "DescribeInstances", "slow down"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_aws(error: BotoCoreError | ClientError, words: list[str]) -> None:
    line = aws_failure(error, "ec2")
    for word in words:
        assert word in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, ["did not answer", "--context"]),
        (401, ["not accepted", "--context"]),
        (403, ["needs list on nodes", "did not answer"]),
        (503, ["did not answer"]),
    ],
)
def test_the_api_server(status: int, words: list[str]) -> None:
    line = str(cluster_failure(KubernetesError(status, "it did not answer"), "the nodes", "list on nodes"))
    for word in ["reading the nodes: ", *words]:
        assert word in line
