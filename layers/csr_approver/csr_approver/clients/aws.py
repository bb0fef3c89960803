"""boto3 clients with time-outs that fit into one invocation, and AWS errors as one line."""

import os
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

# One retry for what passes at once; what does not is retried by the queue, without holding up the batch.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=20,
    user_agent_extra="eks-csr-approver",
)


class AwsClients:
    """One session, whose clients share credentials and endpoint data; nothing is made before it is used."""

    def __init__(self, region: str | None = None, profile: str | None = None) -> None:
        # botocore itself only looks at AWS_DEFAULT_REGION.
        self._region, self._profile = region or os.environ.get("AWS_REGION"), profile

    @cached_property
    def _botocore(self) -> botocore.session.Session:
        session = botocore.session.Session(profile=self._profile)
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_timestamp)
        return session

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(region_name=self._region, botocore_session=self._botocore)

    @property
    def region(self) -> str | None:
        """The region that was asked for, or the one that the AWS CLI would find. Raises BotoCoreError."""
        return self._region or self._session.region_name

    @property
    def credentials(self) -> "Credentials | None":
        """From the default chain; refreshed by botocore where they expire."""
        return self._session.get_credentials()

    @cached_property
    def ec2(self) -> "EC2Client":
        """EC2 in the session's region."""
        return self._session.client("ec2", config=_CONFIG)

    @cached_property
    def iam(self) -> "IAMClient":
        """IAM of the session's partition."""
        # It takes signatures for one region only. Where a VPC endpoint is asked instead of iam.amazonaws.com, botocore
        # would sign for the session's.
        return self._session.client("iam", self._iam_region, config=_CONFIG)

    @cached_property
    def eks(self) -> "EKSClient":
        """EKS in the session's region."""
        return self._session.client("eks", config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        """SQS in the session's region."""
        return self._session.client("sqs", config=_CONFIG)

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """CloudWatch Logs in the session's region."""
        return self._session.client("logs", config=_CONFIG)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation in the session's region."""
        return self._session.client("cloudformation", config=_CONFIG)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda in the session's region."""
        return self._session.client("lambda", config=_CONFIG)

    def partition(self, region: str) -> str:
        """aws, aws-cn, aws-us-gov, ..."""
        return self._session.get_partition_for_region(region)

    def sts_host(self, region: str) -> str:
        """The regional STS endpoint's host, as aws-iam-authenticator expects it in a token."""
        return f"sts.{region}.{self._partition_data(region)['dnsSuffix']}"

    @property
    def _iam_region(self) -> str | None:
        if self.region is None:
            return None
        service = self._partition_data(self.region)["services"].get("iam", {})
        endpoint = service.get("endpoints", {}).get(service.get("partitionEndpoint"), {})
        region: str = endpoint.get("credentialScope", {}).get("region", self.region)
        return region

    def _partition_data(self, region: str) -> dict[str, Any]:
        partition = self.partition(region)
        partitions: list[dict[str, Any]] = self._botocore.get_data("endpoints")["partitions"]
        return next(entry for entry in partitions if entry["partition"] == partition)


def _timestamp(value: Any) -> datetime:
    """As botocore reads it, but EC2's form without dateutil, which takes a third of the time that its answer takes."""
    if isinstance(value, str) and value.endswith("Z"):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return parse_timestamp(value)


def describe_error(error: Exception) -> str:
    """An AWS failure as one clause: the operation and the error code, or the kind of failure if AWS gave no answer."""
    if isinstance(error, ClientError):
        return f"{error.operation_name} answered {error.response['Error'].get('Code', 'without a code')}"
    return type(error).__name__
