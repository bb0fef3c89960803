"""What SQS does and moto's does not: its limits on messages, long polls that hold nobody else up, and a clock to skip.

Queues, receipts and visibility are moto's. There are no FIFO queues.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from threading import Condition
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.sqs.models import Message

from csr_approver_local.sqs_receive import receive
from csr_approver_local.wire import AwsError

# moto sets the attributes of a queue by their names, so that mypy does not see them.
if TYPE_CHECKING:
    from moto.sqs.models import Queue, SQSBackend

# SendMessage and SendMessageBatch in the SQS API reference.
_MOST_BYTES = 1_048_576
_MOST_ENTRIES = 10
_GROUP_ID = re.compile(r"[!-~]{1,128}")
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LONGEST_DELAY_SECONDS = 900
_WRONG_TYPE = "The request include parameter that is not valid for this queue type"
# ReceiveMessage in the SQS API reference.
_LONGEST_WAIT_SECONDS = 20
# SQS hides the messages of one answer until one moment, moto each from its own.
_RECEIVED_TOGETHER_SECONDS = 0.05


class SentMessage(NamedTuple):
    """`sent_at`: seconds since 1970, with milliseconds."""

    body: str
    group_id: str | None
    sent_at: float


class Queues:
    """The queues of one account and region. Whoever calls holds `changed`, but for `await_message`."""

    def __init__(
        self, account_id: str, region: str, changed: Condition, chance: Callable[[str], AwsError | None]
    ) -> None:
        """`chance` gives the failure that the next request for an operation is to have."""
        self._account_id = account_id
        self._chance = chance
        self._region = region
        self._changed = changed

    def send(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """SendMessage."""
        return self._send(self._queue(params["QueueUrl"]), params)

    def send_batch(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """SendMessageBatch: one bad entry fails alone; a bad batch fails as a whole."""
        queue = self._queue(params["QueueUrl"])
        entries = params["Entries"]
        _check_batch(entries)
        result: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            if failure := self._chance("SendMessageBatchRequestEntry"):
                refusal = {"Code": failure.code, "Message": failure.message, "SenderFault": False}
                result["Failed"].append({"Id": entry["Id"], **refusal})
                continue
            try:
                result["Successful"].append({"Id": entry["Id"], **self._send(queue, entry)})
            except (AwsError, ServiceException) as error:
                refusal = {"Code": error.code, "Message": error.message, "SenderFault": True}
                result["Failed"].append({"Id": entry["Id"], **refusal})
        return {name: entries for name, entries in result.items() if entries}

    def receive(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """ReceiveMessage of a standard queue, after `await_message`."""
        return receive(self._queue(params["QueueUrl"]), params)

    def await_message(self, params: Mapping[str, Any]) -> None:
        """Return when ReceiveMessage has something to receive, or its WaitTimeSeconds (or the queue's) are over."""
        with self._changed:
            queue = self._queue(params["QueueUrl"])
            wait_seconds = params.get("WaitTimeSeconds", queue.receive_message_wait_time_seconds)  # type: ignore[attr-defined]
            if not 0 <= wait_seconds <= _LONGEST_WAIT_SECONDS:
                message = (
                    f"Value {wait_seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20"
                )
                raise AwsError("InvalidParameterValue", f"{message}, if provided.")
            deadline = monotonic() + wait_seconds
            while True:
                # Before the look into the queue: what comes back in between must not be slept through.
                hidden = list(_seconds_hidden(queue))
                remaining = deadline - monotonic()
                if len(hidden) < len(queue._messages) or remaining <= 0:
                    return
                self._changed.wait(min([remaining, *hidden]))

    def fast_forward(self, queue_url: str) -> float:
        """Skip to just after the first hidden message (in flight or delayed) comes back; the seconds skipped.

        0 if a message is there now, or none is on its way. The other hidden messages come nearer by as much.
        """
        queue = self._queue(queue_url)
        hidden = list(_seconds_hidden(queue))
        if queue.messages or not hidden:
            return 0.0
        seconds = min(hidden) + _RECEIVED_TOGETHER_SECONDS
        for message in queue._messages:
            message.visible_at -= seconds * 1000
            message.delayed_until -= seconds * 1000
        self._changed.notify_all()
        return seconds

    def messages(self, queue_url: str) -> list[SentMessage]:
        """What is in the queue, visible or not, in the order in which it came."""
        return [
            SentMessage(each.body, each.group_id, each.sent_timestamp / 1000)  # type: ignore[operator]
            for each in self._queue(queue_url)._messages
        ]

    def _backend(self) -> "SQSBackend":
        return get_backend("sqs")[self._account_id][self._region]

    def _queue(self, queue_url: str) -> "Queue":
        queue = self._backend().get_queue(queue_url.rpartition("/")[2])
        if queue.fifo_queue:
            raise NotImplementedError
        return queue

    def _send(self, queue: "Queue", entry: Mapping[str, Any]) -> Mapping[str, Any]:
        _check_message(entry, queue.maximum_message_size)  # type: ignore[attr-defined]
        message = _put(queue, entry)
        sent = {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}
        if message.message_attributes:
            sent["MD5OfMessageAttributes"] = message.attribute_md5
        return sent


def _put(queue: "Queue", entry: Mapping[str, Any]) -> Message:
    """moto reads all attributes of the queue for every message, and for them counts every message that is there."""
    if "MessageDeduplicationId" in entry:
        raise _not_valid(entry["MessageDeduplicationId"], "MessageDeduplicationId", _WRONG_TYPE)
    delay_seconds = entry.get("DelaySeconds", queue.delay_seconds)  # type: ignore[attr-defined]
    if not 0 <= delay_seconds <= _LONGEST_DELAY_SECONDS:
        raise _not_valid(delay_seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
    message = Message(str(uuid4()), entry["MessageBody"], entry.get("MessageSystemAttributes"))
    message.group_id = entry.get("MessageGroupId")
    message.message_attributes = entry.get("MessageAttributes", {})
    message.mark_sent(delay_seconds=delay_seconds)
    queue.add_message(message)
    return message


def _not_valid(value: object, parameter: str, reason: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def _check_batch(entries: list[Mapping[str, Any]]) -> None:
    if not entries:
        raise AwsError("EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
    if len(entries) > _MOST_ENTRIES:
        message = f"Maximum number of entries per request are {_MOST_ENTRIES}. You have sent {len(entries)}."
        raise AwsError("TooManyEntriesInBatchRequest", message)
    ids = [entry["Id"] for entry in entries]
    if not all(_ENTRY_ID.fullmatch(each) for each in ids):
        message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
        raise AwsError("InvalidBatchEntryId", f"{message} It can be at most 80 letters long.")
    if repeated := [each for each in ids if ids.count(each) > 1]:
        raise AwsError("BatchEntryIdsNotDistinct", f"Id {repeated[0]} repeated.")
    if (size := sum(map(_size, entries))) > _MOST_BYTES:
        message = f"Batch requests cannot be longer than {_MOST_BYTES} bytes. You have sent {size} bytes."
        raise AwsError("BatchRequestTooLong", message)


def _check_message(entry: Mapping[str, Any], most_bytes: int) -> None:
    if not entry["MessageBody"]:
        raise AwsError("MissingParameter", "The request must contain the parameter MessageBody.")
    if _UNWRITABLE.search(entry["MessageBody"]):
        message = "Invalid binary character was found in the message body, the set of allowed characters is"
        raise AwsError("InvalidMessageContents", f"{message} #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD")
    if _size(entry) > most_bytes:
        message = f"One or more parameters are invalid. Reason: Message must be shorter than {most_bytes} bytes."
        raise AwsError("InvalidParameterValue", message)
    group_id = entry.get("MessageGroupId")
    if group_id is not None and not _GROUP_ID.fullmatch(group_id):
        reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise _not_valid(group_id, "MessageGroupId", reason)


def _size(entry: Mapping[str, Any]) -> int:
    """Bytes of the body, and of the names, types and values of the attributes (SQS quotas: message size)."""
    size = len(entry["MessageBody"].encode())
    for name, attribute in entry.get("MessageAttributes", {}).items():
        value = attribute.get("BinaryValue") or attribute.get("StringValue", "").encode()
        size += len(name.encode()) + len(attribute["DataType"].encode()) + len(value)
    return size


def _seconds_hidden(queue: "Queue") -> Iterator[float]:
    now = time()
    for message in queue._messages:
        hidden = max(message.visible_at, message.delayed_until) / 1000 - now
        if hidden > 0:
            yield hidden
