"""CloudWatch Logs: PutLogEvents and FilterLogEvents with limits and patterns that moto does not keep."""

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from csr_approver_local.filter_pattern import parse_filter_pattern
from csr_approver_local.wire import AwsError

if TYPE_CHECKING:
    from moto.logs.models import LogGroup

# PutLogEvents in the CloudWatch Logs API reference.
_MOST_BYTES = 1_048_576
_BYTES_BESIDE_MESSAGE = 26
_MOST_EVENTS = 10_000
_DAY_MS = 24 * 3600 * 1000
_OLDEST_MS = 14 * _DAY_MS
_NEWEST_MS = 2 * 3600 * 1000
# CloudWatch looks at about a megabyte for a page, and what it finds there may be nothing. Here so many events.
_EVENTS_A_PAGE = 20

LogEvent = Mapping[str, Any]


class LogGroups:
    """The log groups of one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region

    def put_events(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """PutLogEvents."""
        group = self._group(params["logGroupName"])
        stream = params["logStreamName"]
        if stream not in group.streams:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        events = params["logEvents"]
        _check_batch(events)
        oldest = time() * 1000 - _OLDEST_MS
        newest = time() * 1000 + _NEWEST_MS
        too_old = sum(event["timestamp"] < oldest for event in events)
        too_new = sum(event["timestamp"] > newest for event in events)
        accepted = events[too_old : len(events) - too_new]
        if accepted and accepted[-1]["timestamp"] - accepted[0]["timestamp"] > _DAY_MS:
            message = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
            raise AwsError("InvalidParameterException", message)
        result: dict[str, Any] = {"nextSequenceToken": group.put_log_events(stream, accepted)}
        rejected = {}
        if too_old:
            rejected["tooOldLogEventEndIndex"] = too_old
        if too_new:
            rejected["tooNewLogEventStartIndex"] = len(events) - too_new
        if rejected:
            result["rejectedLogEventsInfo"] = rejected
        return result

    def filter_events(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """FilterLogEvents: a page with a token and nothing in it is an ordinary answer."""
        matches = parse_filter_pattern(params.get("filterPattern", ""))
        earliest, latest = params.get("startTime", 0), params.get("endTime")
        events = [
            event
            for event in self.events(params["logGroupName"])
            if earliest <= event["timestamp"] and (latest is None or event["timestamp"] <= latest)
        ]
        start = int(params.get("nextToken", "0"))
        end = start + _EVENTS_A_PAGE
        result: dict[str, Any] = {"events": [event for event in events[start:end] if matches(event["message"])]}
        if end < len(events):
            result["nextToken"] = str(end)
        return result

    def events(self, group_name: str) -> list[LogEvent]:
        """Every event of a group as FilterLogEvents tells it (`timestamp` is ms since 1970), in the order of time."""
        events = [
            {**event.to_filter_dict(), "logStreamName": stream.log_stream_name}
            for stream in self._group(group_name).streams.values()
            for event in stream.events
        ]
        return sorted(events, key=lambda event: event["timestamp"])

    def _group(self, name: str) -> "LogGroup":
        groups = get_backend("logs")[self._account_id][self._region].groups
        if name not in groups:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return groups[name]


def _check_batch(events: list[LogEvent]) -> None:
    if len(events) > _MOST_EVENTS:
        message = (
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MOST_EVENTS}"
        )
        raise AwsError("InvalidParameterException", message)
    sizes = [len(event["message"].encode()) + _BYTES_BESIDE_MESSAGE for event in events]
    for size in sizes:
        if size > _MOST_BYTES:
            message = f"Log event too large: {size} bytes exceeds limit of {_MOST_BYTES}"
            raise AwsError("InvalidParameterException", message)
    if sum(sizes) > _MOST_BYTES:
        message = f"Upload too large: {sum(sizes)} bytes exceeds limit of {_MOST_BYTES}"
        raise AwsError("InvalidParameterException", message)
    timestamps = [event["timestamp"] for event in events]
    if timestamps != sorted(timestamps):
        message = "Log events in a single PutLogEvents request must be in chronological order."
        raise AwsError("InvalidParameterException", message)
