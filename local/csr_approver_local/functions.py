"""Lambda's functions and their event sources as documents; what runs them here is lambda_runtime."""

from collections.abc import Mapping
from typing import Any

from csr_approver_local.wire import AwsError, read_answer


class Functions:
    """The functions of one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._prefix = f"arn:aws:lambda:{region}:{account_id}:function:"
        self._functions: dict[str, Mapping[str, Any]] = {}
        self._event_sources: list[Mapping[str, Any]] = []

    def put(self, document: Mapping[str, Any]) -> None:
        """Add or replace the function that `aws lambda get-function-configuration` prints. ValueError."""
        self._functions[read_answer("lambda", "GetFunctionConfiguration", "FunctionName", document)] = document

    def put_event_sources(self, document: Mapping[str, Any]) -> None:
        """The mappings from now on, as `aws lambda list-event-source-mappings` prints them. ValueError."""
        self._event_sources = read_answer("lambda", "ListEventSourceMappings", "EventSourceMappings", document)

    def configuration(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetFunctionConfiguration."""
        return self._functions[self._known(params["FunctionName"])]

    def event_sources(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListEventSourceMappings of one function, all on one page."""
        arn = self._prefix + self._known(params["FunctionName"])
        return {"EventSourceMappings": [each for each in self._event_sources if each["FunctionArn"] == arn]}

    def _known(self, name: str) -> str:
        name = name.removeprefix(self._prefix)
        if name not in self._functions:
            raise AwsError("ResourceNotFoundException", f"Function not found: {self._prefix}{name}")
        return name
