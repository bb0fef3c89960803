"""The local event source mapping: what it makes of a queue's messages and of a function's answers, as Lambda does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import pytest

from csr_approver_local.aws import LocalAws
from csr_approver_local.event_source import EventSourceMapping, failed_ids
from csr_approver_local.lambda_runtime import load, process_environment

HANDLER = """
    import json

    def lambda_handler(event, context):
        bodies = [record["body"] for record in event["Records"]]
        print(json.dumps(event))
        if "raise" in bodies:
            raise RuntimeError("raised")
        if "garbage" in bodies:
            return "garbage"
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "fail"]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
"""


@dataclass
class Bench:
    """A queue with a dead letter queue behind it, and a function in front."""

    aws: LocalAws
    sqs: Any
    url: str
    dead_url: str
    folder: Path

    def mapping(self, batch_size: int = 10) -> EventSourceMapping:
        function = load(self.folder, self.aws.environment(), account_id=self.aws.account_id)
        return EventSourceMapping(self.sqs, self.url, function, batch_size)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def left(self, url: str | None = None) -> list[str]:
        """What comes back when the queue's visibility time-out is over."""
        self.aws.fast_forward(url or self.url)
        answer = self.sqs.receive_message(QueueUrl=url or self.url, MaxNumberOfMessages=10)
        return sorted(message["Body"] for message in answer.get("Messages", []))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "approver"
    folder.mkdir()
    (folder / "app.py").write_text(dedent(HANDLER))
    with LocalAws("eu-west-1", "111122223333") as aws:
        with process_environment(aws.environment()):
            sqs = boto3.Session().client("sqs")
        dead_url = sqs.create_queue(QueueName="dead")["QueueUrl"]
        policy = {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111122223333:dead", "maxReceiveCount": 3}
        url = sqs.create_queue(
            QueueName="requests", Attributes={"VisibilityTimeout": "60", "RedrivePolicy": json.dumps(policy)}
        )["QueueUrl"]
        yield Bench(aws, sqs, url, dead_url, folder)


def event_of(invocation: Any) -> Any:
    return json.loads(invocation.log_lines[0])


def test_the_event_is_the_one_that_lambda_makes(bench: Bench) -> None:
    # Lambda Developer Guide, "Using Lambda with Amazon SQS", example event.
    sent = bench.sqs.send_message(
        QueueUrl=bench.url,
        MessageBody="m",
        MessageGroupId="node-1",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "csr"},
            "digest": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )

    (record,) = event_of(bench.mapping().poll_once())["Records"]

    attributes = record.pop("attributes")
    assert isinstance(record.pop("receiptHandle"), str)
    assert record == {
        "messageId": sent["MessageId"],
        "body": "m",
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "messageAttributes": {
            "kind": {"dataType": "String", "stringValue": "csr", "stringListValues": [], "binaryListValues": []},
            "digest": {"dataType": "Binary", "binaryValue": "AP8=", "stringListValues": [], "binaryListValues": []},
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:requests",
        "awsRegion": "eu-west-1",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["MessageGroupId"] == "node-1"
    assert all(isinstance(value, str) for value in attributes.values())
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= attributes.keys()


def test_an_empty_queue_invokes_nothing(bench: Bench) -> None:
    assert bench.mapping().poll_once() is None


def test_what_succeeds_is_deleted_and_what_fails_comes_back(bench: Bench) -> None:
    bench.send("good", "fail", "good")

    bench.mapping().poll_once()

    assert bench.left() == ["fail"]


@pytest.mark.parametrize("body", ["raise", "garbage"])
def test_an_error_or_garbage_brings_the_whole_batch_back(bench: Bench, body: str) -> None:
    bench.send("good", body)

    bench.mapping().poll_once()

    assert bench.left() == sorted(["good", body])


def test_what_keeps_failing_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    bench.send("fail", "good")
    mapping = bench.mapping()

    counts = []
    while invocation := mapping.poll_once():
        counts.append([each["attributes"]["ApproximateReceiveCount"] for each in event_of(invocation)["Records"]])
        bench.aws.fast_forward(bench.url)

    assert counts == [["1", "1"], ["2"], ["3"]]
    assert bench.left() == []
    assert bench.left(bench.dead_url) == ["fail"]


def test_a_batch_is_no_larger_than_it_may_be(bench: Bench) -> None:
    bench.send(*"abc")
    mapping = bench.mapping(batch_size=2)

    assert [len(event_of(mapping.poll_once())["Records"]) for _ in range(2)] == [2, 1]


def test_a_batch_of_more_than_ten_is_gathered_and_deleted(bench: Bench) -> None:
    bench.send(*["good"] * 20, *["fail"] * 3, *["good"] * 3)
    mapping = bench.mapping(batch_size=25)

    assert [len(event_of(mapping.poll_once())["Records"]) for _ in range(2)] == [25, 1]
    assert bench.left() == ["fail", "fail", "fail"]


def test_drain_goes_on_until_the_queue_is_empty(bench: Bench) -> None:
    bench.send(*["good"] * 12)
    bench.sqs.send_message(QueueUrl=bench.url, MessageBody="delayed", DelaySeconds=1)

    invocations = bench.mapping().drain(max_seconds=30)

    assert [len(event_of(each)["Records"]) for each in invocations] == [10, 2, 1]


def test_drain_ends_when_its_time_is_over(bench: Bench) -> None:
    bench.send("fail")

    invocations = bench.mapping().drain(max_seconds=1)

    assert len(invocations) == 1
    assert bench.left() == ["fail"]


# Lambda Developer Guide, "Implementing partial batch responses", success and failure conditions.
ANSWERS: list[Any] = [
    pytest.param(None, [], id="no answer fails none"),
    pytest.param({}, [], id="an empty answer fails none"),
    pytest.param({"batchItemFailures": None}, [], id="a null list fails none"),
    pytest.param({"batchItemFailures": []}, [], id="an empty list fails none"),
    pytest.param({"batchItemFailures": [{"itemIdentifier": "b"}]}, ["b"], id="a message that is named fails"),
    pytest.param({"batchItemFailures": [{"itemIdentifier": ""}]}, ["a", "b"], id="an empty identifier fails all"),
    pytest.param({"batchItemFailures": [{"itemIdentifier": None}]}, ["a", "b"], id="a null identifier fails all"),
    pytest.param({"batchItemFailures": [{"messageId": "a"}]}, ["a", "b"], id="a bad key fails all"),
    pytest.param(
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]},
        ["a", "b"],
        id="a message that was not sent fails all",
    ),
    pytest.param({"batchItemFailures": [{"itemIdentifier": ["a"]}]}, ["a", "b"], id="a list for a name fails all"),
    pytest.param({"batchItemFailures": ["a"]}, ["a", "b"], id="a bare identifier fails all"),
    pytest.param({"batchItemFailures": "a"}, ["a", "b"], id="a string for a list fails all"),
    pytest.param("ok", ["a", "b"], id="a string for an answer fails all"),
    pytest.param([], ["a", "b"], id="a list for an answer fails all"),
]


@pytest.mark.parametrize(("answer", "failed"), ANSWERS)
def test_what_an_answer_fails(answer: Any, failed: list[str]) -> None:
    assert sorted(failed_ids(answer, ["a", "b"])) == failed
