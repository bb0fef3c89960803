"""What the real handlers print and record, sample by sample: the ground that alarms, dashboard and queries stand on.

No emulator evaluates an alarm or a query, so what they name is compared with what is captured here.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from csr_approver.message import Trouble, heartbeat_message
from csr_approver_local.system import DENIAL_LOG_GROUP, System
from tests.support.heartbeats import HEARTBEAT, changed_heartbeat, heartbeat, troubled
from tests.support.requests import CLUSTER, NODE_NAME, signing_request
from tests.support.worlds import default_world

Line = Mapping[str, Any]

APPROVER, RECORDER, DENIALS = "ApproverLogGroup", "DenialRecorderLogGroup", "DenialLogGroup"
"""The log groups, by their logical ids in the template."""

_ATTEMPTS = 2  # of boto3, for one call
_FOREIGN_ADDRESS = "10.0.1.24"
_UNKNOWN_INSTANCE = "i-0fffffffffffffff0"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as CloudWatch tells it from others, but for the values of its dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    unit: str


@dataclass(frozen=True, slots=True)
class Emitted:
    """Every line by log group, in the order in which it was written."""

    lines: Mapping[str, list[Line]]

    @property
    def metrics(self) -> set[Metric]:
        """What CloudWatch makes of the EMF lines."""
        return {metric for line in self._emf for metric in _metrics_of(line)}

    def values(self, dimension: str) -> set[str]:
        """What a dimension takes in them."""
        return {line[dimension] for line in self._emf if dimension in line}

    def fields(self, group: str) -> set[str]:
        """What Logs Insights discovers in the group's lines: nested with dots, lists by position."""
        return {name for line in self.lines[group] for name in _flat(line)}

    def messages(self, group: str) -> set[str]:
        """The `message` of the group's log lines."""
        return {line["message"] for line in self.lines[group] if "message" in line}

    @property
    def _emf(self) -> list[Line]:
        return [line for line in self.lines[APPROVER] if "_aws" in line]


@cache
def emitted() -> Emitted:
    """Everything that can be said, said at least once. A step is a batch, so that a fault meets its own request."""
    with System(default_world()) as system:
        recorder: list[Line] = []
        for step in _STEPS:
            step(system)
            _deliver(system)
        system.run()
        for step in _RECORDER_STEPS:
            step(system)
            recorder += _lines(system.recorder_source.poll_once())
        denials = [json.loads(event["message"]) for event in system.aws.log_events(DENIAL_LOG_GROUP)]
        approver = [json.loads(line) for invocation in system.invocations for line in invocation.log_lines]
    return Emitted({APPROVER: approver, RECORDER: recorder, DENIALS: denials})


def _approve(system: System) -> None:
    system.submit(signing_request())


def _deny(system: System) -> None:
    system.submit(signing_request(NODE_NAME, _FOREIGN_ADDRESS))
    system.submit(signing_request(NODE_NAME, "kubernetes.default.svc", "10.0.1.23"))


def _postpone(system: System) -> None:
    system.submit(signing_request(NODE_NAME, _FOREIGN_ADDRESS, age_seconds=5))


def _ignore(system: System) -> None:
    system.submit(signing_request(spec={"username": "system:node:fargate-ip-10-0-5-26.us-west-2.compute.internal"}))
    system.send(system.pointer("csr-gone", "25b0242c-cfee-4e2b-82d3-38c438c13b13"))


def _leave(system: System) -> None:
    system.submit(signing_request(instance_id=_UNKNOWN_INSTANCE))


def _throttle(system: System) -> None:
    system.submit(signing_request())
    system.aws.fail_next("DescribeInstances", "RequestLimitExceeded", times=_ATTEMPTS)


def _forbid(system: System) -> None:
    system.submit(signing_request())
    system.aws.fail_next("DescribeInstances", "UnauthorizedOperation", times=_ATTEMPTS)


def _refuse_reading(system: System) -> None:
    system.submit(signing_request())
    system.kubernetes.fail_next("GET", "", 403)


def _refuse_writing(system: System) -> None:
    system.submit(signing_request())
    system.kubernetes.fail_next("PUT", "/approval", 403)


def _come_back_late(system: System) -> None:
    system.submit(signing_request(instance_id=_UNKNOWN_INSTANCE))
    system.aws.fail_next("ChangeMessageVisibilityBatch", "AccessDenied")


def _be_malformed(system: System) -> None:
    system.send("?")


def _beat(system: System) -> None:
    news = [troubled(number, trouble) for number, trouble in enumerate(Trouble)]
    system.send(heartbeat_message(CLUSTER, heartbeat(*news)))


def _beat_badly(system: System) -> None:
    system.send(changed_heartbeat(troubles=["?", *HEARTBEAT["troubles"]]))
    system.aws.fail_next("SendMessageBatch", "AccessDenied")


def _fall_over(system: System) -> None:
    system.submit(signing_request())
    with _fault_of_ours():
        _deliver(system)


_STEPS: tuple[Callable[[System], None], ...] = (
    _approve,
    _deny,
    _postpone,
    _ignore,
    _leave,
    _throttle,
    _forbid,
    _refuse_reading,
    _refuse_writing,
    _come_back_late,
    _be_malformed,
    _beat,
    _beat_badly,
    _fall_over,
)


def _record_nothing(system: System) -> None:
    system.sqs.send_message(QueueUrl=system.denial_queue, MessageBody="?")


def _write_nothing(system: System) -> None:
    record = {"kind": "denial", "uid": "00000000-0000-0000-0000-000000000001"}
    system.sqs.send_message(QueueUrl=system.denial_queue, MessageBody=json.dumps(record))
    system.aws.fail_next("PutLogEvents", "AccessDeniedException", times=_ATTEMPTS)


_RECORDER_STEPS = (_record_nothing, _write_nothing)


@contextmanager
def _fault_of_ours() -> Iterator[None]:
    with patch("csr_approver.review.read_signing_request", side_effect=RuntimeError("nobody thought of it")):
        yield


def _deliver(system: System) -> None:
    if invocation := system.approver_source.poll_once():
        system.invocations.append(invocation)


def _lines(invocation: Any) -> list[Line]:
    return [json.loads(line) for line in invocation.log_lines]


def _metrics_of(line: Line) -> Iterator[Metric]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                yield Metric(directive["Namespace"], metric["Name"], frozenset(dimensions), metric["Unit"])


def _flat(value: Any, prefix: str = "") -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _flat(inner, f"{prefix}.{key}" if prefix else key)
        case list():
            for position, inner in enumerate(value):
                yield from _flat(inner, f"{prefix}.{position}")
        case _:
            yield prefix
