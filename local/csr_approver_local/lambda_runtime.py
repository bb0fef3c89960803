"""Runs a function's handler in this process as Lambda would: its environment, context, output and JSON in and out."""

import importlib.util
import io
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Protocol
from uuid import uuid4

import boto3
from aws_lambda_powertools.logging import constants as powertools
from moto.utilities.utils import get_partition

_MODULE = "app"
_HANDLER = "lambda_handler"
_MEMORY_MB = "512"


@dataclass(frozen=True, slots=True)
class FunctionError:
    """What Lambda answers in place of a result when the function fails."""

    error_type: str
    message: str
    stack_trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one event: a result as JSON leaves it, or an error, and what was printed meanwhile."""

    result: Any
    error: FunctionError | None
    log_lines: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The second argument of a handler (Lambda Developer Guide, "Lambda context object in Python")."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float
    """On time.monotonic's clock."""
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = _MEMORY_MB
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time-out, never less than 0."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class Function(Protocol):
    """What Lambda runs, wherever it does."""

    def invoke(self, event: object) -> Invocation:
        """Pass `event` to the handler. Whatever goes wrong in the function is returned, not raised."""


class Loader(Protocol):
    """Starts a function by its name under functions/, in the environment that it is to see."""

    def __call__(
        self, function: str, environment: Mapping[str, str], *, account_id: str, timeout_seconds: float = ...
    ) -> Function: ...


class LambdaFunction:
    """One execution environment of a function. Make it with `load`."""

    def __init__(
        self,
        handler: Callable[[Any, LambdaContext], Any],
        variables: Mapping[str, str],
        arn: str,
        timeout_seconds: float,
    ) -> None:
        self._handler = handler
        self._variables = variables
        self._arn = arn
        self._timeout_seconds = timeout_seconds

    def invoke(self, event: object) -> Invocation:
        """Pass `event` to the handler. Whatever the handler raises is the function's error, and is returned.

        Nothing can stop a handler that overruns the time-out; it ends as a function error all the same. Environment
        and standard output are the process's, so invocations of all functions take turns.
        """
        request_id = str(uuid4())
        start = time.monotonic()
        context = LambdaContext(
            function_name=self._variables["AWS_LAMBDA_FUNCTION_NAME"],
            invoked_function_arn=self._arn,
            aws_request_id=request_id,
            log_group_name=self._variables["AWS_LAMBDA_LOG_GROUP_NAME"],
            log_stream_name=self._variables["AWS_LAMBDA_LOG_STREAM_NAME"],
            deadline=start + self._timeout_seconds,
        )
        result, error = None, None
        with _execution_environment(self._variables) as printed:
            try:
                result = json.loads(json.dumps(self._handler(json.loads(json.dumps(event)), context)))
            except (Exception, SystemExit) as raised:
                stack_trace = tuple(traceback.format_exception(raised))
                error = FunctionError(type(raised).__name__, str(raised), stack_trace)
        seconds = time.monotonic() - start
        if seconds > self._timeout_seconds:
            message = f"RequestId: {request_id} Error: Task timed out after {self._timeout_seconds:.2f} seconds"
            result, error = None, FunctionError("Sandbox.Timedout", message)
        return Invocation(result, error, printed.getvalue().splitlines(), seconds)


def load(
    function: str | Path, environment: Mapping[str, str], *, account_id: str, timeout_seconds: float = 60
) -> LambdaFunction:
    """A cold start of the function: a fresh module of `app.py` in its folder, run under `environment`.

    `function` is a name under functions/, or a folder. `environment` is all that the function sees beside what Lambda
    itself sets, and must name AWS_REGION. Raises LookupError if there is no such handler, and what the module raises.
    """
    folder = function if isinstance(function, Path) else _functions_folder() / function
    arn = function_arn(environment["AWS_REGION"], account_id, folder.name)
    variables = {**environment, **reserved_variables(folder, f"{sys.version_info.major}.{sys.version_info.minor}")}
    with _execution_environment(variables):
        _forget_previous_process()
        module = _import_afresh(folder / f"{_MODULE}.py")
    handler = getattr(module, _HANDLER, None)
    if handler is None:
        raise LookupError(f"{folder / _MODULE}.py has no {_HANDLER}")
    return LambdaFunction(handler, variables, arn, timeout_seconds)


def function_arn(region: str, account_id: str, name: str) -> str:
    """The ARN of a function in the region's partition."""
    return f"arn:{get_partition(region)}:lambda:{region}:{account_id}:function:{name}"


def reserved_variables(folder: Path, python_version: str) -> dict[str, str]:
    """Lambda Developer Guide, "Defined runtime environment variables"; a function cannot set them otherwise."""
    return {
        "_HANDLER": f"{_MODULE}.{_HANDLER}",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python_version}",
        "AWS_LAMBDA_FUNCTION_NAME": folder.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": _MEMORY_MB,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{folder.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{uuid4().hex}",
        "LAMBDA_TASK_ROOT": str(folder),
        "LANG": "en_US.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
    }


@contextmanager
def process_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Let os.environ be exactly `variables` for the length of the block."""
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


class _Console(io.TextIOBase):
    """The standard output of every function. It outlives them, because Powertools' loggers keep the one they found."""

    def __init__(self) -> None:
        self._captured: io.StringIO | None = None

    def write(self, text: str) -> int:
        return (self._captured or sys.stdout).write(text)

    @contextmanager
    def captured(self) -> Iterator[io.StringIO]:
        self._captured = io.StringIO()
        try:
            # Lambda ships both streams to CloudWatch.
            with redirect_stdout(self), redirect_stderr(self):
                yield self._captured
        finally:
            self._captured = None


_console = _Console()
_turn = Lock()


@contextmanager
def _execution_environment(variables: Mapping[str, str]) -> Iterator[io.StringIO]:
    with _turn, process_environment(variables), _console.captured() as printed:
        yield printed


def _functions_folder() -> Path:
    package = Path(__file__).parent
    installed = package / "functions"
    return installed if installed.is_dir() else package.parent.parent / "functions"


def _forget_previous_process() -> None:
    """What a new process would not find: boto3's session, and loggers set up by the function before."""
    boto3.DEFAULT_SESSION = None
    for logger in logging.root.manager.loggerDict.values():
        handler = getattr(logger, powertools.LOGGER_ATTRIBUTE_POWERTOOLS_HANDLER, None)
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(_console)
            setattr(logger, powertools.LOGGER_ATTRIBUTE_PRECONFIGURED, False)


def _import_afresh(path: Path) -> ModuleType:
    if not path.is_file():
        raise LookupError(f"there is no function in {path.parent}: {path.name} is missing")
    # Both functions' modules are called app; in one process each needs a name of its own.
    name = f"{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LookupError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
