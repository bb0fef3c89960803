"""The local SQS over the wire: the limits of a message and a batch, redrive, long polls, and a clock to skip."""

import json
import time
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from csr_approver_local.aws import LocalAws

MIB = 1024 * 1024


def queue(name: str = "requests", **attributes: str) -> str:
    # The stubs know attributes by name; these are the test's to choose.
    return boto3.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]


def send(url: str, **parameters: Any) -> Any:
    return boto3.client("sqs").send_message(QueueUrl=url, **{"MessageBody": "m", **parameters})


def send_batch(url: str, *entries: dict[str, Any]) -> Any:
    return boto3.client("sqs").send_message_batch(
        QueueUrl=url,
        # Some entries are meant to be wrong.
        Entries=[{"Id": str(index), "MessageBody": "m", **entry} for index, entry in enumerate(entries)],  # type: ignore[typeddict-item]
    )


def receive(url: str, **parameters: Any) -> list[Any]:
    answer: Any = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], **parameters
    )
    # The stubs lose the type of the default.
    return answer.get("Messages", [])  # type: ignore[no-any-return]


def refusal(url: str, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        send(url, **parameters)
    return refused.value.response["Error"]["Code"]


def test_a_message_comes_back_with_its_attributes(aws: LocalAws) -> None:
    url = queue()
    sent = send(
        url,
        MessageBody="ünï",
        MessageGroupId="ip-10-0-0-1.ec2.internal",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "csr"}},
    )

    (message,) = receive(url, MessageAttributeNames=["All"])

    assert (message["MessageId"], message["MD5OfBody"]) == (sent["MessageId"], sent["MD5OfMessageBody"])
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["MessageGroupId"] == "ip-10-0-0-1.ec2.internal"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"] == {"kind": {"DataType": "String", "StringValue": "csr"}}


# SQS API reference, SendMessage: what a body and a MessageGroupId may be, on standard queues too.
GOOD = [
    pytest.param({"MessageBody": "a" * MIB}, id="a body of 1 MiB"),
    pytest.param({"MessageBody": "\t\r\n\ud7ff\ue000\ufffd\U00010000"}, id="the characters that XML allows"),
    pytest.param({"MessageGroupId": "!~" * 64}, id="a group of 128 characters of punctuation"),
    pytest.param({"DelaySeconds": 900}, id="a delay of 15 minutes"),
]
BAD = [
    pytest.param({"MessageBody": "a" * (MIB + 1)}, "InvalidParameterValue", id="a body of more than 1 MiB"),
    pytest.param({"MessageBody": "ü" * (MIB // 2 + 1)}, "InvalidParameterValue", id="it is bytes that are counted"),
    pytest.param(
        {"MessageBody": "a" * MIB, "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "csr"}}},
        "InvalidParameterValue",
        id="attributes are counted too",
    ),
    pytest.param({"MessageBody": ""}, "MissingParameter", id="an empty body"),
    pytest.param({"MessageBody": "a\x00"}, "InvalidMessageContents", id="a character that XML does not allow"),
    pytest.param({"MessageGroupId": "node 1"}, "InvalidParameterValue", id="a group with a space"),
    pytest.param({"MessageGroupId": "nöde"}, "InvalidParameterValue", id="a group with a letter outside ASCII"),
    pytest.param({"MessageGroupId": "n" * 129}, "InvalidParameterValue", id="a group of 129 characters"),
    pytest.param({"MessageGroupId": ""}, "InvalidParameterValue", id="an empty group"),
    pytest.param({"DelaySeconds": 901}, "InvalidParameterValue", id="a delay of more than 15 minutes"),
]


@pytest.mark.parametrize("parameters", GOOD)
def test_a_message_at_its_limits_is_taken(aws: LocalAws, parameters: dict[str, Any]) -> None:
    url = queue()
    assert send(url, **parameters)["MessageId"]
    assert "Failed" not in send_batch(url, parameters)


@pytest.mark.parametrize(("parameters", "code"), BAD)
def test_a_message_beyond_its_limits_is_refused(aws: LocalAws, parameters: dict[str, Any], code: str) -> None:
    assert refusal(queue(), **parameters) == code


def test_a_queue_can_lower_the_limit(aws: LocalAws) -> None:
    url = queue(MaximumMessageSize="1024")

    assert send(url, MessageBody="a" * 1024)["MessageId"]
    assert refusal(url, MessageBody="a" * 1025) == "InvalidParameterValue"


def test_an_unknown_queue_is_refused_by_the_name_that_boto3_knows(aws: LocalAws) -> None:
    sqs = boto3.client("sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        send(f"{aws.endpoint_url}/111122223333/nowhere")

    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_one_bad_entry_of_a_batch_fails_alone(aws: LocalAws) -> None:
    # SQS API reference, SendMessageBatch: the result of each message is reported individually.
    url = queue()

    answer = send_batch(url, {"MessageBody": "good"}, {"MessageGroupId": "a b"}, {"MessageBody": "\x00"})

    assert [each["Id"] for each in answer["Successful"]] == ["0"]
    assert [(each["Id"], each["Code"], each["SenderFault"]) for each in answer["Failed"]] == [
        ("1", "InvalidParameterValue", True),
        ("2", "InvalidMessageContents", True),
    ]
    assert [message["Body"] for message in receive(url)] == ["good"]


# SQS API reference, SendMessageBatch, errors.
BAD_BATCHES = [
    pytest.param([{}] * 11, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", id="eleven entries"),
    pytest.param(
        [{"MessageBody": "a" * (MIB // 2)}, {"MessageBody": "a" * (MIB // 2 + 1)}],
        "AWS.SimpleQueueService.BatchRequestTooLong",
        id="more than 1 MiB together",
    ),
    pytest.param(
        [{"Id": "a"}, {"Id": "a"}], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", id="two entries with one id"
    ),
    pytest.param([{"Id": "a.b"}], "AWS.SimpleQueueService.InvalidBatchEntryId", id="a full stop in an id"),
    pytest.param([], "AWS.SimpleQueueService.EmptyBatchRequest", id="no entry"),
]


@pytest.mark.parametrize(("entries", "code"), BAD_BATCHES)
def test_a_bad_batch_fails_as_a_whole(aws: LocalAws, entries: list[dict[str, Any]], code: str) -> None:
    url = queue()
    with pytest.raises(ClientError) as refused:
        send_batch(url, *entries)

    assert refused.value.response["Error"]["Code"] == code
    assert receive(url) == []


def test_a_batch_of_ten_is_taken(aws: LocalAws) -> None:
    url = queue()

    assert len(send_batch(url, *[{"MessageBody": "a" * (MIB // 10)}] * 10)["Successful"]) == 10
    assert len(receive(url)) == 10


def test_what_is_received_too_often_goes_to_the_dead_letter_queue(aws: LocalAws) -> None:
    dead = queue("dead")
    arn = "arn:aws:sqs:eu-west-1:111122223333:dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = queue(RedrivePolicy=policy, VisibilityTimeout="45")
    send(url)

    counts = []
    while messages := receive(url):
        counts += [message["Attributes"]["ApproximateReceiveCount"] for message in messages]
        aws.fast_forward(url)

    assert counts == ["1", "2"]
    assert [message["Body"] for message in receive(dead)] == ["m"]


def test_fast_forward_skips_to_the_first_hidden_message_only(aws: LocalAws) -> None:
    url = queue(VisibilityTimeout="45")
    send(url, MessageBody="in flight")
    receive(url)
    send(url, MessageBody="delayed", DelaySeconds=60)

    first = aws.fast_forward(url)
    (message,) = receive(url)
    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    second = aws.fast_forward(url)

    assert (message["Body"], [each["Body"] for each in receive(url)]) == ("in flight", ["delayed"])
    assert first == pytest.approx(45, abs=1)
    assert second == pytest.approx(15, abs=1)


def test_fast_forward_skips_nothing_when_there_is_nothing_to_wait_for(aws: LocalAws) -> None:
    url = queue()
    assert aws.fast_forward(url) == 0

    send(url, DelaySeconds=60)
    send(url, MessageBody="visible")
    assert aws.fast_forward(url) == 0
    assert [message["Body"] for message in receive(url)] == ["visible"]


def test_a_changed_visibility_is_what_fast_forward_skips(aws: LocalAws) -> None:
    url = queue(VisibilityTimeout="45")
    send(url)
    (message,) = receive(url)
    boto3.client("sqs").change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=5
    )

    assert aws.fast_forward(url) == pytest.approx(5, abs=0.5)


def test_a_long_poll_ends_with_the_message_and_holds_nobody_up(aws: LocalAws) -> None:
    # SQS Developer Guide, long polling: the answer comes as soon as there is a message.
    url = queue()
    bodies: list[str] = []
    poller = Thread(target=lambda: bodies.extend(each["Body"] for each in receive(url, WaitTimeSeconds=20)))
    start = time.monotonic()
    poller.start()
    time.sleep(0.2)
    send(url)
    poller.join()

    assert bodies == ["m"]
    assert time.monotonic() - start < 5


def test_a_long_poll_ends_when_a_message_comes_back_by_itself(aws: LocalAws) -> None:
    url = queue(VisibilityTimeout="1")
    send(url)
    receive(url)
    start = time.monotonic()

    assert len(receive(url, WaitTimeSeconds=5)) == 1
    assert 0.5 < time.monotonic() - start < 3


def test_a_long_poll_of_an_empty_queue_takes_its_time(aws: LocalAws) -> None:
    url = queue(ReceiveMessageWaitTimeSeconds="1")
    start = time.monotonic()

    assert receive(url) == []
    assert time.monotonic() - start >= 1


def test_a_long_poll_is_no_longer_than_20_seconds(aws: LocalAws) -> None:
    url = queue()
    send(url)
    with pytest.raises(ClientError, match="WaitTimeSeconds") as refused:
        receive(url, WaitTimeSeconds=21)

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert len(receive(url, WaitTimeSeconds=20)) == 1


def test_no_message_is_lost_or_doubled_between_senders_and_receivers(aws: LocalAws) -> None:
    url = queue()
    bodies: list[str] = []

    def consume() -> None:
        sqs = boto3.Session().client("sqs")
        while messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            bodies.extend(message["Body"] for message in messages)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])

    consumers = [Thread(target=consume) for _ in range(2)]
    for consumer in consumers:
        consumer.start()
    for number in range(30):
        send(url, MessageBody=str(number))
    for consumer in consumers:
        consumer.join()

    assert sorted(bodies, key=int) == [str(number) for number in range(30)]


def test_a_long_queue_is_as_quick_as_a_short_one(aws: LocalAws) -> None:
    url = queue()
    for _ in range(300):
        send_batch(url, *[{"MessageBody": "m"}] * 10)

    start = time.monotonic()
    assert len(receive(url)) == 10
    assert time.monotonic() - start < 0.5


def test_fifo_queues_are_not_there(aws: LocalAws) -> None:
    url = boto3.client("sqs").create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with pytest.raises(ClientError, match="NotImplemented"):
        send(url, MessageGroupId="g", MessageDeduplicationId="d")
