"""The local Lambda: a handler sees what it would see on AWS, and its output and errors are what Lambda would ship."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import boto3
import pytest
from aws_lambda_powertools import Logger

from csr_approver_local.lambda_runtime import LambdaFunction, load, process_environment

ENVIRONMENT = {"AWS_REGION": "eu-west-1", "POWERTOOLS_SERVICE_NAME": "csr-approver", "COLOUR": "blue"}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes functions/<name>/app.py and returns the folder."""

    def write(code: str, name: str = "approver") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.py").write_text(dedent(code))
        return folder

    return write


def start(folder: Path, timeout_seconds: float = 60, **environment: str) -> LambdaFunction:
    return load(folder, ENVIRONMENT | environment, account_id="111122223333", timeout_seconds=timeout_seconds)


def test_a_result_goes_through_json(write: Write) -> None:
    function = start(
        write("""
        def lambda_handler(event, context):
            return {1: ("a", None), "event": event}
        """)
    )

    invocation = function.invoke({"Records": ("r",)})

    assert invocation.result == {"1": ["a", None], "event": {"Records": ["r"]}}
    assert invocation.error is None
    assert 0 <= invocation.seconds < 5


def test_the_handlers_changes_to_the_event_stay_with_it(write: Write) -> None:
    function = start(
        write("""
        def lambda_handler(event, context):
            event["Records"].clear()
        """)
    )
    event = {"Records": ["r"]}

    assert function.invoke(event).result is None
    assert event == {"Records": ["r"]}


def test_the_environment_is_the_functions_while_it_runs_and_then_the_processs(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_OURS", "1")
    function = start(
        write("""
        import os

        AT_LOAD = dict(os.environ)

        def lambda_handler(event, context):
            os.environ["LEFT_BEHIND"] = "1"
            return [AT_LOAD, dict(os.environ)]
        """)
    )

    before = dict(os.environ)
    at_load, at_invocation = function.invoke({}).result

    assert dict(os.environ) == before
    assert ENVIRONMENT.items() <= at_load.items()
    assert "ONLY_OURS" not in at_load
    assert at_invocation == at_load | {"LEFT_BEHIND": "1"}
    assert at_load["AWS_LAMBDA_FUNCTION_NAME"] == "approver"
    assert at_load["_HANDLER"] == "app.lambda_handler"
    assert at_load["PATH"] == before["PATH"]


def test_the_environment_comes_back_when_the_block_fails() -> None:
    before = dict(os.environ)
    with pytest.raises(KeyError, match="PATH"), process_environment({"A": "1"}):
        os.environ["PATH"]

    assert dict(os.environ) == before


def test_the_context_is_lambdas(write: Write) -> None:
    function = start(
        write("""
        def lambda_handler(event, context):
            return {
                "arn": context.invoked_function_arn,
                "name": context.function_name,
                "version": context.function_version,
                "memory": context.memory_limit_in_mb,
                "group": context.log_group_name,
                "stream": context.log_stream_name,
                "id": context.aws_request_id,
                "left": [context.get_remaining_time_in_millis(), __import__("time").sleep(0.1),
                         context.get_remaining_time_in_millis()],
            }
        """),
        timeout_seconds=10,
    )

    first, second = function.invoke({}).result, function.invoke({}).result

    assert first["arn"] == "arn:aws:lambda:eu-west-1:111122223333:function:approver"
    assert (first["name"], first["version"], first["memory"]) == ("approver", "$LATEST", "512")
    assert first["group"] == "/aws/lambda/approver"
    assert first["stream"] == second["stream"]
    assert first["id"] != second["id"]
    before, _, after = first["left"]
    assert 9_000 < after <= before - 100 < 10_000


def test_the_arn_has_the_partition_of_the_region(write: Write) -> None:
    function = start(
        write("""
        def lambda_handler(event, context):
            return context.invoked_function_arn
        """),
        AWS_REGION="cn-north-1",
    )

    assert function.invoke({}).result.startswith("arn:aws-cn:lambda:cn-north-1:")


def test_what_is_printed_is_captured_line_by_line(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    function = start(
        write("""
        import sys

        def lambda_handler(event, context):
            print("one\\ntwo")
            print("three", file=sys.stderr)
        """)
    )

    assert function.invoke({}).log_lines == ["one", "two", "three"]
    assert function.invoke({}).log_lines == ["one", "two", "three"]
    assert capsys.readouterr() == ("", "")


POWERTOOLS = """
    from aws_lambda_powertools import Logger, Metrics

    logger = Logger()
    metrics = Metrics(namespace="CsrApprover")

    @logger.inject_lambda_context
    @metrics.log_metrics
    def lambda_handler(event, context):
        logger.info("decided", extra={"csr": event["name"]})
        logger.debug("detail")
        metrics.add_metric(name="Decisions", unit="Count", value=1)
"""


def test_powertools_logs_and_metrics_are_captured_in_every_execution_environment(write: Write) -> None:
    folder = write(POWERTOOLS)
    for cold_start in (start(folder), start(folder)):
        for name in ("csr-1", "csr-2"):
            log, metric = map(json.loads, cold_start.invoke({"name": name}).log_lines)

            assert (log["message"], log["csr"], log["service"]) == ("decided", name, "csr-approver")
            assert log["function_name"] == "approver"
            assert metric["Decisions"] == [1.0]


def test_a_cold_start_sets_up_the_logger_anew(write: Write) -> None:
    folder = write(POWERTOOLS)
    quiet = start(folder, POWERTOOLS_LOG_LEVEL="ERROR").invoke({"name": "csr"})
    talkative = start(folder, POWERTOOLS_LOG_LEVEL="DEBUG").invoke({"name": "csr"})

    assert ["decided" in line for line in quiet.log_lines] == [False]
    assert [json.loads(line).get("message") for line in talkative.log_lines] == ["decided", "detail", None]


def test_a_logger_made_before_the_cold_start_is_captured_too(write: Write) -> None:
    folder = write(POWERTOOLS)
    with process_environment(os.environ | ENVIRONMENT):
        Logger(stream=sys.__stdout__)

    assert "decided" in start(folder).invoke({"name": "csr"}).log_lines[0]


def test_each_load_is_a_cold_start_and_each_invocation_a_warm_one(write: Write) -> None:
    folder = write("""
    COUNT = []

    def lambda_handler(event, context):
        COUNT.append(event)
        return len(COUNT)
    """)
    first, second = start(folder), start(folder)

    assert [first.invoke({}).result, first.invoke({}).result, second.invoke({}).result] == [1, 2, 1]


def test_two_functions_do_not_share_their_module(write: Write) -> None:
    code = """
    import sys
    NAME = "{}"

    def lambda_handler(event, context):
        return sys.modules[__name__].NAME
    """
    approver = start(write(code.format("approver")))
    recorder = start(write(code.format("recorder"), name="denial_recorder"))

    assert (approver.invoke({}).result, recorder.invoke({}).result) == ("approver", "recorder")


def test_a_cold_start_does_not_find_the_session_of_the_process(write: Write) -> None:
    boto3.setup_default_session(region_name="us-east-1")
    function = start(
        write("""
        import boto3

        def lambda_handler(event, context):
            return boto3.client("sqs").meta.region_name
        """),
        AWS_DEFAULT_REGION="eu-west-1",
    )

    assert function.invoke({}).result == "eu-west-1"


ERRORS = [
    pytest.param("raise ValueError('no such queue')", "ValueError", "no such queue", id="an exception"),
    pytest.param("raise SystemExit(3)", "SystemExit", "3", id="an exit"),
    pytest.param("return {1, 2}", "TypeError", "not JSON serializable", id="a result that JSON has not"),
]


@pytest.mark.parametrize(("body", "error_type", "message"), ERRORS)
def test_what_goes_wrong_is_a_function_error(write: Write, body: str, error_type: str, message: str) -> None:
    invocation = start(
        write(f"""
        def lambda_handler(event, context):
            print("before")
            {body}
        """)
    ).invoke({})

    assert invocation.error is not None
    assert invocation.error.error_type == error_type
    assert message in invocation.error.message
    assert "Traceback" in invocation.error.stack_trace[0]
    assert invocation.result is None
    assert invocation.log_lines == ["before"]


def test_a_handler_that_overruns_its_time_is_a_function_error(write: Write) -> None:
    folder = write("""
    import time

    def lambda_handler(event, context):
        time.sleep(event["seconds"])
        return context.get_remaining_time_in_millis()
    """)
    function = start(folder, timeout_seconds=0.2)

    late = function.invoke({"seconds": 0.3})

    assert late.result is None
    assert late.error is not None
    assert late.error.error_type == "Sandbox.Timedout"
    assert "Task timed out after 0.20 seconds" in late.error.message
    assert function.invoke({"seconds": 0}).error is None


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"there is no function in .*functions/nothing: app\.py is missing"):
        load("nothing", ENVIRONMENT, account_id="111122223333")


def test_a_module_without_handler_is_named(write: Write) -> None:
    with pytest.raises(LookupError, match=r"app\.py has no lambda_handler"):
        start(write("handler = None"))


def test_a_module_that_fails_at_the_start_fails_the_load(write: Write) -> None:
    before, stdout = dict(os.environ), sys.stdout
    with pytest.raises(RuntimeError, match="mode: neither enforce nor observe"):
        start(write("raise RuntimeError('mode: neither enforce nor observe')"))

    assert (dict(os.environ), sys.stdout) == (before, stdout)


def test_a_thread_that_outlives_its_invocation_prints_to_the_process(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    function = start(
        write("""
        import sys, threading, time

        def lambda_handler(event, context):
            stdout = sys.stdout
            threading.Thread(target=lambda: (time.sleep(0.2), stdout.write("late"))).start()
        """)
    )

    assert function.invoke({}).log_lines == []
    time.sleep(0.4)
    assert capsys.readouterr().out == "late"
