"""Denial records into one CloudWatch log group."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.effects.denials import KIND
from csr_approver.policy.times import parse_time

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

_MAX_RECORD_BYTES = 64 * 1024
# PutLogEvents: one call spans at most 24 hours, and takes nothing that is more than two hours ahead.
_MAX_AGE = timedelta(hours=23)


class MalformedRecordError(ValueError):
    """A message that is no denial record, and never will be. The text is one line, safe to log."""


def parse_record(body: str) -> dict[str, Any]:
    """The record in a message of the denial queue."""
    if len(body) > _MAX_RECORD_BYTES:
        raise MalformedRecordError(f"is longer than {_MAX_RECORD_BYTES} characters")
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRecordError("the body is not JSON") from None
    if not isinstance(record, dict) or record.get("kind") != KIND or not isinstance(record.get("uid"), str):
        raise MalformedRecordError("the body is no denial record")
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
    """The time of the decision, or of the writing where CloudWatch would not take that."""
    decided_at = parse_time(record.get("decidedAt"))
    if decided_at is None or not now - _MAX_AGE <= decided_at <= now:
        decided_at = now
    return int(decided_at.timestamp() * 1000)
