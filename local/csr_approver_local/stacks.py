"""CloudFormation's ListStackResources, answered from documents: moto would want to make all of the resources."""

from collections.abc import Mapping
from typing import Any

from csr_approver_local.wire import AwsError, read_answer

# AWS's pages are longer; these are short so that a stack of ours has more than one.
_PAGE = 20


class Stacks:
    """The stacks of one account and region."""

    def __init__(self) -> None:
        self._resources: dict[str, list[Mapping[str, Any]]] = {}

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws cloudformation list-stack-resources` prints it, as the stack of that name.

        Raises ValueError.
        """
        self._resources[name] = read_answer("cloudformation", "ListStackResources", "StackResourceSummaries", document)

    def list_resources(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListStackResources."""
        name = params["StackName"]
        if name not in self._resources:
            raise AwsError("ValidationError", f"Stack with id {name} does not exist")
        start = int(params.get("NextToken", "0"))
        end = start + _PAGE
        result: dict[str, Any] = {"StackResourceSummaries": self._resources[name][start:end]}
        if end < len(self._resources[name]):
            result["NextToken"] = str(end)
        return result
