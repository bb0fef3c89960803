"""The local CloudWatch Logs over the wire: FilterLogEvents by time and pattern, page by page."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from csr_approver_local.aws import LocalAws

LINES = [
    {"kind": "denial", "node": "a", "n": 1, "reasons": ["X", "Y"]},
    {"kind": "denial", "node": "b", "n": 2},
    {"kind": "trouble", "node": "a", "nested": {"field": "value"}},
]


@pytest.fixture
def group(aws: LocalAws) -> str:
    """With these lines, among others that are no JSON."""
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    start = int(time.time() * 1000) - 10_000
    messages = ["noise"] * 30 + [json.dumps(line) for line in LINES]
    events: Any = [{"timestamp": start + number, "message": text} for number, text in enumerate(messages)]
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)
    return "group"


def found(group: str, pattern: str, **options: Any) -> list[int]:
    """Which of the lines."""
    pages = boto3.client("logs").get_paginator("filter_log_events")
    answer = pages.paginate(logGroupName=group, filterPattern=pattern, **options)
    return [LINES.index(json.loads(event["message"])) for page in answer for event in page["events"]]


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ('{ $.kind = "denial" }', [0, 1]),
        ('{ $.kind != "denial" }', [2]),
        ('{ ($.kind = "denial") && ($.node = "a") }', [0]),
        ('{ ($.node = "b") || ($.nested.field = "value") }', [1, 2]),
        ('{ ($.kind = "trouble") && (($.node = "a") || ($.node = "b")) }', [2]),
        ('{ $.kind = "d*l" }', [0, 1]),
        ("{ $.n = 2 }", [1]),
        ('{ $.reasons[1] = "Y" }', [0]),
        ('{ $.reasons[2] = "Y" }', []),
        ('"trouble" "value"', [2]),
    ],
)
def test_a_pattern_selects(group: str, pattern: str, lines: list[int]) -> None:
    assert found(group, pattern) == lines


def test_a_page_may_be_empty_and_not_the_last(group: str) -> None:
    page = boto3.client("logs").filter_log_events(logGroupName=group, filterPattern='{ $.kind = "denial" }')
    assert (page["events"], "nextToken" in page) == ([], True)


def test_time_bounds_are_inclusive(aws: LocalAws, group: str) -> None:
    last = aws.log_events("group")[-1]["timestamp"]
    assert found(group, '{ $.node = "a" }', startTime=last) == [2]
    assert found(group, '{ $.node = "a" }', endTime=last - 1) == [0]


@pytest.mark.parametrize("pattern", ['{ $.kind = "denial" ', "{ kind }", '{ $.kind == "denial" }', "{ $.a = 1 } more"])
def test_a_pattern_that_is_none_is_refused(group: str, pattern: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterException"):
        found(group, pattern)
