"""When a message comes back, and what happens when SQS does not help."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import boto3
import pytest

from csr_approver.effects.redelivery import Redelivery, redelivery_delay
from csr_approver_local.aws import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.mark.parametrize(
    ("receives", "delay"), [(0, None), (1, 5), (2, 15), (3, 45), (4, None), (5, None), (1000, None)]
)
def test_a_message_comes_back_three_times(receives: int, delay: int | None) -> None:
    assert redelivery_delay(receives) == delay


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Queue]":
    with LocalAws("us-west-2", "111122223333") as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        client = boto3.client("sqs")
        yield Queue(aws, client, client.create_queue(QueueName="csr")["QueueUrl"])


class Queue(NamedTuple):
    """A queue of the local SQS, and a client for it."""

    aws: LocalAws
    client: "SQSClient"
    url: str

    def received(self, count: int) -> list[str]:
        """The receipt handles of so many messages in flight."""
        for number in range(count):
            self.client.send_message(QueueUrl=self.url, MessageBody=str(number))
        handles: list[str] = []
        while len(handles) < count:
            answer = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=600)
            handles += [message["ReceiptHandle"] for message in answer["Messages"]]
        return handles


def test_every_message_is_postponed_by_its_own_delay(queue: Queue) -> None:
    """In as few calls as SQS allows: ten messages each."""
    handles = queue.received(25)
    delays = {handle: (5, 15, 45)[number % 3] for number, handle in enumerate(handles)}
    assert Redelivery(queue.client, queue.url).postpone(delays) == []
    calls = [call for call in queue.aws.calls if call.operation == "ChangeMessageVisibilityBatch"]
    assert len(calls) == 3
    assert 4 < queue.aws.fast_forward(queue.url) < 6


def test_nothing_to_postpone_is_no_call(queue: Queue) -> None:
    assert Redelivery(queue.client, queue.url).postpone({}) == []
    assert "ChangeMessageVisibilityBatch" not in [call.operation for call in queue.aws.calls]


def test_a_message_that_is_gone_is_told_and_harms_no_other(queue: Queue) -> None:
    first, second = queue.received(2)
    queue.client.delete_message(QueueUrl=queue.url, ReceiptHandle=first)
    problems = Redelivery(queue.client, queue.url).postpone({"no-such-handle": 5, second: 5})
    assert len(problems) == 1
    assert problems[0].startswith("SQS answered ")
    assert 4 < queue.aws.fast_forward(queue.url) < 6


def test_a_call_that_fails_is_told_and_the_next_is_made(queue: Queue) -> None:
    handles = queue.received(11)
    queue.aws.fail_next("ChangeMessageVisibilityBatch", "AccessDenied", status=403)
    problems = Redelivery(queue.client, queue.url).postpone(dict.fromkeys(handles, 5))
    assert problems == ["ChangeMessageVisibilityBatch answered AccessDenied"]
    assert 4 < queue.aws.fast_forward(queue.url) < 6
