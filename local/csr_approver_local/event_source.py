"""Lambda's event source mapping for SQS: polls a queue, invokes a function, deletes what the function did not fail."""

import time
from base64 import b64encode
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from csr_approver_local.lambda_runtime import Function, Invocation

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

_MOST_A_CALL = 10


class EventSourceMapping:
    """One poller with ReportBatchItemFailures. What fails is left to the queue's visibility and redrive policy."""

    def __init__(self, sqs: "SQSClient", queue_url: str, function: Function, batch_size: int = 10) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._function = function
        self._batch_size = batch_size
        attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
        self._queue_arn = attributes["QueueArn"]

    def poll_once(self, wait_seconds: int = 0) -> Invocation | None:
        """Invoke the function with what the queue has; None if it has nothing for `wait_seconds` (0 to 20)."""
        messages = self._gather(wait_seconds)
        if not messages:
            return None
        invocation = self._function.invoke({"Records": [_record(each, self._queue_arn) for each in messages]})
        ids = {message["MessageId"] for message in messages}
        failed = ids if invocation.error else failed_ids(invocation.result, ids)
        done = [message for message in messages if message["MessageId"] not in failed]
        for start in range(0, len(done), _MOST_A_CALL):
            self._sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(done[start : start + _MOST_A_CALL])
                ],
            )
        return invocation

    def drain(self, max_seconds: float) -> list[Invocation]:
        """Poll until nothing is visible, in flight or delayed, or the time is over; every invocation in order."""
        deadline = time.monotonic() + max_seconds
        invocations = []
        while time.monotonic() < deadline and self._backlog():
            if invocation := self.poll_once(wait_seconds=1):
                invocations.append(invocation)
        return invocations

    def _gather(self, wait_seconds: int) -> list["MessageTypeDef"]:
        messages: list[MessageTypeDef] = []
        # More than ten need a batching window (CreateEventSourceMapping); here it ends with the first short receive.
        while len(messages) < self._batch_size:
            most = min(_MOST_A_CALL, self._batch_size - len(messages))
            received = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=most,
                WaitTimeSeconds=0 if messages else wait_seconds,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            messages += received
            if len(received) < most:
                break
        return messages

    def _backlog(self) -> int:
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["All"])
        # Visible, in flight and delayed are counted apart.
        counts = [int(v) for k, v in answer["Attributes"].items() if k.startswith("ApproximateNumberOfMessages")]
        return sum(counts)


def failed_ids(result: Any, ids: Collection[str]) -> Collection[str]:
    """The messages that a function's result fails, out of `ids`, those of the batch.

    Lambda Developer Guide, "Implementing partial batch responses", success and failure conditions: nothing at all, null
    or an empty list fails none; anything that cannot be understood, or names a message that was not sent, fails all.
    """
    if result is None:
        return []
    if not isinstance(result, dict):
        return ids
    failures = result.get("batchItemFailures")
    if failures is None:
        return []
    if not isinstance(failures, list):
        return ids
    failed = [each.get("itemIdentifier") if isinstance(each, dict) else None for each in failures]
    known = [each for each in failed if isinstance(each, str) and each in ids]
    return known if len(known) == len(failed) else ids


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """A record of the event (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _message_attribute(value: "MessageAttributeValueOutputTypeDef") -> dict[str, Any]:
    attribute: dict[str, Any] = {"dataType": value["DataType"], "stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = b64encode(value["BinaryValue"]).decode()
    return attribute
