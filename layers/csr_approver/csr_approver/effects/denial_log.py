"""Records of denials and troubles into one CloudWatch log group."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.effects import denials, troubles
from csr_approver.policy.times import parse_time

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

_MAX_RECORD_BYTES = 64 * 1024
# PutLogEvents: one call spans at most 24 hours, and takes nothing that is more than two hours ahead.
_MAX_AGE = timedelta(hours=23)
# The kinds of records, and the field with the time of each.
_TIME_FIELDS = {denials.KIND: "decidedAt", troubles.KIND: "reportedAt"}


class MalformedRecordError(ValueError):
    """A message that is no record, and never will be. The text is one line, safe to log."""


def parse_record(body: str) -> dict[str, Any]:
    """The record in a message of the denial queue."""
    if len(body) > _MAX_RECORD_BYTES:
        raise MalformedRecordError(f"is longer than {_MAX_RECORD_BYTES} characters")
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRecordError("the body is not JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("uid"), str):
        raise MalformedRecordError("the body is no record")
    if record.get("kind") not in tuple(_TIME_FIELDS):
        raise MalformedRecordError(f"the body is no record of one of the kinds {', '.join(_TIME_FIELDS)}")
    return record


class DenialLog:
    """PutLogEvents to the group, in the function's own stream, so that writers never meet."""

    def __init__(self, client: "CloudWatchLogsClient", log_group: str) -> None:
        self._client, self._log_group = client, log_group
        self._streams: set[str] = set()

    def write(self, records: Mapping[str, Mapping[str, Any]], stream: str, now: datetime) -> dict[str, str]:
        """Write the records, given by key; what failed comes back with the reason, by key."""
        if not records:
            return {}
        events: list[InputLogEventTypeDef] = sorted(
            (
                {"timestamp": _milliseconds(record, now), "message": json.dumps(record, separators=(",", ":"))}
                for record in records.values()
            ),
            key=lambda event: event["timestamp"],
        )
        try:
            self._ensure(stream)
            answer = self._client.put_log_events(logGroupName=self._log_group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            # Perhaps somebody deleted the stream.
            self._streams.discard(stream)
            return dict.fromkeys(records, describe_error(error))
        if rejected := answer.get("rejectedLogEventsInfo"):
            return dict.fromkeys(records, f"CloudWatch Logs rejected events: {rejected}")
        return {}

    def _ensure(self, stream: str) -> None:
        if stream in self._streams:
            return
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_stream(logGroupName=self._log_group, logStreamName=stream)
        self._streams.add(stream)


def _milliseconds(record: Mapping[str, Any], now: datetime) -> int:
    """The time of the decision or the report, or of the writing where CloudWatch would not take that."""
    time = parse_time(record.get(_TIME_FIELDS[record["kind"]]))
    if time is None or not now - _MAX_AGE <= time <= now:
        time = now
    return int(time.timestamp() * 1000)
