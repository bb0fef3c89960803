"""The built functions, each with its layer, as functions that the local system can call."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from csr_approver_local.lambda_runtime import FunctionError, Invocation, function_arn
from tests.artifact.deployed import deployed_environment
from tests.artifact.process import HANDLER, Code, Process, Runtime
from tests.artifact.runtime_api import Said

_LOGICAL_IDS = {"approver": "ApproverFunction", "denial_recorder": "DenialRecorderFunction"}
_LAYER = "CsrApproverLayer"


class BuiltFunction:
    """One function: a process that is started when an event needs it, and kept for the next one while it is well."""

    def __init__(
        self, runtime: Runtime, code: Code, environment: Mapping[str, str], arn: str, timeout_seconds: float
    ) -> None:
        self._runtime, self._code, self._environment = runtime, code, environment
        self._arn, self._timeout_seconds = arn, timeout_seconds
        self._process: Process | None = None

    def invoke(self, event: object) -> Invocation:
        """Pass `event` to the handler. Its time includes a cold start, where one is needed."""
        start = time.monotonic()
        self._process = self._process or Process(self._runtime, self._code, self._environment)
        request_id = str(uuid4())
        try:
            saying = self._process.invoke(request_id, json.dumps(event).encode(), self._arn, self._timeout_seconds)
        except TimeoutError as error:
            return self._lost("Sandbox.Timedout", f"Task timed out after {error} seconds", request_id, start)
        except ProcessLookupError as error:
            return self._lost("Runtime.ExitError", f"Runtime exited with error: {error}", request_id, start)
        printed, seconds = self._process.printed(), saying.at - start
        if saying.what is Said.RESULT:
            return Invocation(json.loads(saying.body), None, printed, seconds)
        if saying.what is Said.INIT_ERROR:
            self.close()
        return Invocation(None, _function_error(saying.body), printed, seconds)

    @property
    def process_id(self) -> int | None:
        """Of the process that waits for the next event; None if there is none."""
        return self._process.id if self._process else None

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.close()
            self._process = None

    def _lost(self, error_type: str, message: str, request_id: str, start: float) -> Invocation:
        """What Lambda says in place of the process; the next event gets a new one."""
        printed = self._process.printed() if self._process else []
        self.close()
        error = FunctionError(error_type, f"RequestId: {request_id} Error: {message}")
        return Invocation(None, error, printed, time.monotonic() - start)


class BuiltFunctions:
    """Loads functions from what `sam build` made in `folder`. A context manager, which ends their processes."""

    def __init__(self, folder: Path, runtime: Runtime, *, more: Sequence[Path] = (), handler: str = HANDLER) -> None:
        self._folder, self._runtime, self._more, self._handler = folder, runtime, more, handler
        self.started: list[BuiltFunction] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for function in self.started:
            function.close()

    @property
    def layer(self) -> Path:
        """The layer's importable folder."""
        return self._folder / _LAYER / "python"

    def code_folder(self, function: str) -> Path:
        """What was built of functions/<function>."""
        return self._folder / _LOGICAL_IDS[function]

    def load(
        self, function: str, environment: Mapping[str, str], *, account_id: str, timeout_seconds: float = 60
    ) -> BuiltFunction:
        """As csr_approver_local.lambda_runtime.load, but the module is not run before the first event comes.

        Of `environment`, the function sees what template.yaml lets it see.
        """
        code = Code(self.code_folder(function), [self.layer, *self._more], self._handler)
        variables = deployed_environment(_LOGICAL_IDS[function], environment)
        arn = function_arn(environment["AWS_REGION"], account_id, code.folder.name)
        self.started.append(BuiltFunction(self._runtime, code, variables, arn, timeout_seconds))
        return self.started[-1]


def _function_error(body: bytes) -> FunctionError:
    document: Mapping[str, Any] = json.loads(body)
    return FunctionError(document["errorType"], document["errorMessage"], tuple(document.get("stackTrace", ())))
