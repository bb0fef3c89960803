"""The events of a CloudWatch log group, page by page."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from csr_approver.cli.failures import aws_failure
from csr_approver.cli.inputs import InputError
from csr_approver.clients.aws import AwsClients

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilterLogEventsRequestTypeDef, FilterLogEventsResponseTypeDef

_THROTTLED = frozenset({"ThrottlingException", "LimitExceededException", "ServiceUnavailableException"})
# FilterLogEvents may be called five times a second; many other readers of the account may do so, too.
_WAIT_SECONDS = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event; `id` is unique, `at` is its time, in UTC."""

    id: str
    at: datetime
    message: str

    @property
    def fields(self) -> Mapping[str, Any] | None:
        """Of a line that is a JSON object."""
        try:
            fields = json.loads(self.message)
        except (ValueError, RecursionError):
            return None
        return fields if isinstance(fields, dict) else None


def read_events(
    aws: AwsClients, group: str, since: datetime, until: datetime | None = None, pattern: str = ""
) -> Iterator[LogEvent]:
    """Those of the group in this time that match the filter pattern. Raises InputError and BotoCoreError.

    A page may hold nothing while there are more; CloudWatch only says so in the last one.
    """
    asked: FilterLogEventsRequestTypeDef = {"logGroupName": group, "startTime": _milliseconds(since)}
    if until:
        asked["endTime"] = _milliseconds(until)
    if pattern:
        asked["filterPattern"] = pattern
    while True:
        page = _page(aws, asked)
        for event in page["events"]:
            yield LogEvent(event["eventId"], datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"])
        if not page.get("nextToken"):
            return
        asked["nextToken"] = page["nextToken"]


def _page(aws: AwsClients, asked: "FilterLogEventsRequestTypeDef") -> "FilterLogEventsResponseTypeDef":
    for seconds in (*_WAIT_SECONDS, None):
        try:
            return aws.logs.filter_log_events(**asked)
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if seconds is None or code not in _THROTTLED:
                group = asked.get("logGroupName")
                if code == "ResourceNotFoundException":
                    raise InputError(
                        f"there is no log group {group} in {aws.region}: see --log-group, --stack and --region"
                    ) from None
                raise InputError(f"reading log group {group}: {aws_failure(error, 'logs')}") from None
        time.sleep(seconds)
    raise AssertionError("the last attempt returns or raises")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
