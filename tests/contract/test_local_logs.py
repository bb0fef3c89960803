"""The local CloudWatch Logs over the wire: PutLogEvents keeps the limits of its API reference."""

import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from csr_approver_local.aws import LocalAws
from csr_approver_local.wire import AwsError

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
MIB = 1024 * 1024


@pytest.fixture
def stream(aws: LocalAws) -> str:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="denials")
    logs.create_log_stream(logGroupName="denials", logStreamName="2026/11/23")
    return "2026/11/23"


def put(stream: str, *events: tuple[float, str]) -> Any:
    """`events` are milliseconds from now, and messages."""
    now = time.time() * 1000
    return boto3.client("logs").put_log_events(
        logGroupName="denials",
        logStreamName=stream,
        logEvents=[{"timestamp": int(now + offset), "message": message} for offset, message in events],
    )


def messages(aws: LocalAws) -> list[str]:
    return [event["message"] for event in aws.log_events("denials")]


def test_events_are_read_back_by_time(aws: LocalAws, stream: str) -> None:
    put(stream, (0, "second"))
    put(stream, (-1000, "first"))

    assert messages(aws) == ["first", "second"]
    assert aws.log_events("denials")[0]["logStreamName"] == stream


TAKEN = [
    pytest.param([(0, "a" * (MIB - 26))], id="one event of 1 MiB with the 26 bytes that go with it"),
    pytest.param([(0, "a" * (MIB // 4 - 26))] * 4, id="1 MiB in all"),
    pytest.param([(0, "a")] * 10_000, id="ten thousand events"),
    pytest.param([(-DAY_MS + HOUR_MS, "a"), (HOUR_MS, "b")], id="a span of 24 hours"),
]
REFUSED = [
    pytest.param([(0, "a" * (MIB - 25))], "Log event too large", id="one event over 1 MiB"),
    pytest.param([(0, "ü" * (MIB // 2))], "Log event too large", id="it is bytes that are counted"),
    pytest.param([(0, "a" * (MIB // 4 - 25))] * 4, "Upload too large", id="more than 1 MiB in all"),
    pytest.param([(0, "a")] * 10_001, "less than or equal to 10000", id="ten thousand and one events"),
    pytest.param([(0, "a"), (-1, "b")], "chronological order", id="out of order"),
    pytest.param([(-DAY_MS, "a"), (1, "b")], "cannot span more than 24 hours", id="a span of more than 24 hours"),
]


@pytest.mark.parametrize("events", TAKEN)
def test_a_batch_at_its_limits_is_taken(aws: LocalAws, stream: str, events: list[tuple[float, str]]) -> None:
    assert "rejectedLogEventsInfo" not in put(stream, *events)
    assert len(messages(aws)) == len(events)


@pytest.mark.parametrize(("events", "reason"), REFUSED)
def test_a_batch_beyond_its_limits_is_refused_whole(
    aws: LocalAws, stream: str, events: list[tuple[float, str]], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason) as refused:
        put(stream, *events)

    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert messages(aws) == []


def test_events_too_old_or_too_new_are_left_out_and_named(aws: LocalAws, stream: str) -> None:
    events = [(-20 * DAY_MS, "a"), (-15 * DAY_MS, "b"), (-HOUR_MS, "c"), (0, "d"), (3 * HOUR_MS, "e"), (DAY_MS, "f")]

    rejected = put(stream, *events)["rejectedLogEventsInfo"]

    # RejectedLogEventsInfo: the end of the old ones is exclusive, the start of the new ones inclusive.
    assert rejected == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
    assert messages(aws) == ["c", "d"]


def test_a_group_or_stream_that_is_not_there_is_refused(aws: LocalAws, stream: str) -> None:
    logs = boto3.client("logs")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log stream does not exist"):
        put("elsewhere", (0, "a"))
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log group does not exist"):
        logs.put_log_events(logGroupName="x", logStreamName="x", logEvents=[{"timestamp": 0, "message": "a"}])
    with pytest.raises(AwsError, match="log group does not exist"):
        aws.log_events("x")
