"""ReceiveMessage of moto's standard queues.

moto reads the clock twice for every message that is there, for each one that it hands out: with thousands of messages
one receive takes seconds.
"""

from collections.abc import Iterator, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from csr_approver_local.wire import AwsError

# moto sets the attributes of a queue by their names, so that mypy does not see them.
if TYPE_CHECKING:
    from moto.sqs.models import Message, Queue

# ReceiveMessage in the SQS API reference.
_MOST_MESSAGES = 10
_LONGEST_VISIBILITY_SECONDS = 43_200


def receive(queue: "Queue", params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is visible, up to MaxNumberOfMessages; what was received too often goes to the dead-letter queue instead."""
    most = _number(params, "MaxNumberOfMessages", 1, _MOST_MESSAGES, 1)
    visibility = _number(params, "VisibilityTimeout", 0, _LONGEST_VISIBILITY_SECONDS, queue.visibility_timeout)  # type: ignore[attr-defined]
    received: list[Message] = []
    leaving: set[Message] = set()
    for message in _visible(queue):
        if _received_too_often(queue, message):
            leaving.add(message)
            queue.dead_letter_queue.add_message(message)  # type: ignore[union-attr]
            continue
        message.mark_received(visibility_timeout=visibility)
        received.append(message)
        if len(received) == most:
            break
    if leaving:
        queue._messages = [message for message in queue._messages if message not in leaving]
    return {"Messages": [_shown(message, params) for message in received]} if received else {}


def _number(params: Mapping[str, Any], name: str, least: int, most: int, default: int) -> int:
    value = int(params.get(name, default))
    if not least <= value <= most:
        reason = f"Must be >= {least} and <= {most}, if provided."
        raise AwsError("InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}")
    return value


def _visible(queue: "Queue") -> Iterator["Message"]:
    now = time() * 1000
    kept_since = now - queue.message_retention_period * 1000  # type: ignore[attr-defined]
    for message in queue._messages:
        if message.visible_at < now and message.delayed_until <= now and message.sent_timestamp > kept_since:
            yield message


def _received_too_often(queue: "Queue", message: "Message") -> bool:
    policy = queue.redrive_policy
    return policy is not None and message.approximate_receive_count >= policy["maxReceiveCount"]


def _shown(message: "Message", params: Mapping[str, Any]) -> Mapping[str, Any]:
    shown = {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": message.body_md5,
        "Body": message.body,
        "Attributes": _selected(
            {
                "SenderId": message.sender_id,
                "SentTimestamp": str(message.sent_timestamp),
                "ApproximateReceiveCount": str(message.approximate_receive_count),
                "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
                "MessageGroupId": message.group_id,
            },
            [*params.get("AttributeNames", []), *params.get("MessageSystemAttributeNames", [])],
        ),
        "MessageAttributes": _selected(message.message_attributes, params.get("MessageAttributeNames", [])),
    }
    if shown["MessageAttributes"]:
        shown["MD5OfMessageAttributes"] = message.attribute_md5
    return {name: value for name, value in shown.items() if value}


def _selected(attributes: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    everything = "All" in names or ".*" in names
    return {name: value for name, value in attributes.items() if value is not None and (everything or name in names)}
