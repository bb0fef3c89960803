"""A deployed stack, as CloudFormation and Lambda describe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from csr_approver.cli.failures import aws_failure
from csr_approver.cli.inputs import InputError
from csr_approver.clients.aws import AwsClients
from csr_approver.environment import environment_settings
from csr_approver.settings import ENVIRONMENT_PREFIX


class NoSuchStackError(InputError):
    """CloudFormation knows no stack of that name, here and for this identity."""


@dataclass(frozen=True, slots=True)
class Stack:
    """`resources` are physical ids by the logical ids of template.yaml; `approver` is the function's configuration."""

    name: str
    resources: Mapping[str, str]
    approver: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, str]:
        """The approver's settings, keyed as on the command line."""
        return environment_settings(variables(self.approver), ENVIRONMENT_PREFIX)


def default_stack_name(cluster: str) -> str:
    """As docs/operations.md deploys it."""
    return f"csr-approver-{cluster}"


def find_stack(aws: AwsClients, name: str) -> Stack:
    """Raises InputError where there is no such stack, or it is none of ours, or reading it is not permitted."""
    resources = stack_resources(aws, name)
    return Stack(name, resources, function_configuration(aws, resources["ApproverFunction"]))


def stack_resources(aws: AwsClients, name: str) -> Mapping[str, str]:
    """Physical ids by logical ids. Raises as `find_stack`, and BotoCoreError."""
    try:
        pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each.get("PhysicalResourceId")
        }
    except ClientError as error:
        if error.response["Error"].get("Message", "").endswith("does not exist"):
            raise NoSuchStackError(
                f"there is no stack {name} in {aws.region} for this AWS identity: see --stack, --region and --profile"
            ) from None
        raise InputError(f"reading stack {name}: {aws_failure(error, 'cloudformation')}") from None
    if "ApproverFunction" not in resources:
        raise InputError(f"stack {name} has no ApproverFunction: it is not one of template.yaml")
    return resources


def function_configuration(aws: AwsClients, name: str) -> Mapping[str, Any]:
    """As `aws lambda get-function-configuration` prints it. Raises InputError and BotoCoreError."""
    try:
        return aws.functions.get_function_configuration(FunctionName=name)
    except ClientError as error:
        raise InputError(f"reading function {name}: {aws_failure(error, 'lambda')}") from None


def variables(function: Mapping[str, Any]) -> Mapping[str, str]:
    """The environment variables of a function's configuration."""
    values: Mapping[str, str] = (function.get("Environment") or {}).get("Variables") or {}
    return values
