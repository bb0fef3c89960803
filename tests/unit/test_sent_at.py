"""At what time a heartbeat counts: when it was sent, if SQS says so and CloudWatch would take it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from csr_approver.effects.heartbeats import sent_at

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def record(sent: datetime) -> SQSRecord:
    return SQSRecord({"attributes": {"SentTimestamp": str(int(sent.timestamp() * 1000))}})


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=90), timedelta(days=13), timedelta(seconds=-5)])
def test_it_is_the_time_of_sending(ago: timedelta) -> None:
    assert sent_at(record(NOW - ago), NOW) == NOW - ago


@pytest.mark.parametrize("ago", [timedelta(days=15), timedelta(hours=-3)])
def test_it_is_now_where_cloudwatch_would_not_take_the_time(ago: timedelta) -> None:
    assert sent_at(record(NOW - ago), NOW) == NOW


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({}, id="is missing"),
        pytest.param({"SentTimestamp": ""}, id="is empty"),
        pytest.param({"SentTimestamp": "yesterday"}, id="is no number"),
        pytest.param({"SentTimestamp": "-1"}, id="is before all time"),
        pytest.param({"SentTimestamp": "9" * 400}, id="is after all time"),
    ],
)
def test_it_is_now_where_the_time_of_sending(attributes: dict[str, Any]) -> None:
    assert sent_at(SQSRecord({"attributes": attributes}), NOW) == NOW
