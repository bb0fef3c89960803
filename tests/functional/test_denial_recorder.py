"""From the denial queue to the log group: every record at least once, and a uid counted once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.lambda_runtime import Invocation
from csr_approver_local.system import DENIAL_LOG_GROUP, System
from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request
from tests.support.worlds import default_world

RECORD = {"kind": "denial", "uid": "00000000-0000-0000-0000-000000000001", "decidedAt": "2026-11-22T08:30:00+00:00"}
TROUBLE = {"kind": "trouble", "uid": RECORD["uid"], "reportedAt": "2026-11-22T08:30:00+00:00"}


def changed(**fields: Any) -> str:
    return json.dumps({key: value for key, value in (RECORD | fields).items() if value is not None})


def put(system: System, *bodies: str) -> None:
    for body in bodies:
        system.sqs.send_message(QueueUrl=system.denial_queue, MessageBody=body)


def record(system: System) -> Invocation:
    invocation = system.recorder_source.poll_once()
    assert invocation is not None
    assert invocation.error is None
    return invocation


def messages(invocation: Invocation) -> list[str]:
    return [json.loads(line)["message"] for line in invocation.log_lines]


BAD = {
    "no JSON": "hello",
    "a list": "[]",
    "deeply nested lists": "[" * 100_000,
    "another kind": changed(kind="csr"),
    "a heartbeat": changed(kind="heartbeat"),
    "a kind that is a list": changed(kind=["denial"]),
    "no kind": changed(kind=None),
    "no uid": changed(uid=None),
    "a uid that is a number": changed(uid=1),
    "more than a record may be": changed(detail="a" * 65536),
    "a mebibyte": " " * (1 << 20),
}


def test_what_is_no_record_is_dropped_and_harms_no_neighbour() -> None:
    with System(default_world()) as system:
        put(system, changed(), *BAD.values(), json.dumps(TROUBLE))
        first, second = record(system), record(system)
        assert first.result == second.result == {"batchItemFailures": []}
        assert messages(first) + messages(second) == ["message dropped"] * len(BAD)
        assert (system.denials, system.troubles) == ([RECORD], [TROUBLE])


TIMES = {
    "long ago": "2001-01-01T00:00:00+00:00",
    "far ahead": "2201-01-01T00:00:00+00:00",
    "no time": "yesterday",
    "before all time": "0001-01-01T00:00:00+14:00",
    "missing": None,
}


def test_a_record_is_kept_whatever_its_time() -> None:
    with System(default_world()) as system:
        put(system, *(changed(uid=uid, decidedAt=time) for uid, time in TIMES.items()))
        put(system, *(json.dumps(TROUBLE | {"uid": uid, "reportedAt": time}) for uid, time in TIMES.items()))
        assert record(system).result == {"batchItemFailures": []}
        assert {line["uid"] for line in system.denials} == set(TIMES)
        assert {line["uid"] for line in system.troubles} == set(TIMES)


@pytest.mark.parametrize(("kind", "field"), [("denial", "decidedAt"), ("trouble", "reportedAt")])
def test_a_record_stands_at_the_time_of_what_it_tells(kind: str, field: str) -> None:
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with System(default_world()) as system:
        put(system, json.dumps({"kind": kind, "uid": RECORD["uid"], field: an_hour_ago.isoformat()}))
        record(system)
        (event,) = system.aws.log_events(DENIAL_LOG_GROUP)
        assert event["timestamp"] == int(an_hour_ago.timestamp() * 1000)


@pytest.mark.parametrize(
    ("operation", "code", "attempts"),
    [
        # boto3 tries again what passes, and nothing else.
        pytest.param("PutLogEvents", "ThrottlingException", 2, id="CloudWatch throttles"),
        pytest.param("PutLogEvents", "AccessDeniedException", 1, id="CloudWatch forbids to write"),
        pytest.param("PutLogEvents", "ResourceNotFoundException", 1, id="the stream was deleted"),
        pytest.param("CreateLogStream", "AccessDeniedException", 1, id="CloudWatch forbids to make a stream"),
    ],
)
def test_a_record_comes_back_when(operation: str, code: str, attempts: int) -> None:
    with System(default_world()) as system:
        put(system, changed(), changed(uid="another"))
        system.aws.fail_next(operation, code, times=attempts)
        assert len(record(system).result["batchItemFailures"]) == 2
        assert system.denials == []
        system.aws.fast_forward(system.denial_queue)
        assert record(system).result == {"batchItemFailures": []}
        assert {line["uid"] for line in system.denials} == {RECORD["uid"], "another"}


def test_a_record_that_is_delivered_twice_counts_one_uid() -> None:
    with System(default_world()) as system:
        put(system, changed(), changed())
        record(system)
        assert {line["uid"] for line in system.denials} == {RECORD["uid"]}


def test_a_record_tells_who_asked_for_what_and_why_it_was_denied() -> None:
    with System(default_world()) as system:
        name = system.submit(signing_request(NODE_NAME, "10.0.1.24"))
        system.run()
        (written,) = system.denials
        condition = (system.cluster.stored(name) or {})["status"]["conditions"][0]
        assert written["name"] == name
        assert (written["cluster"], written["node"], written["instance"]) == ("demo", NODE_NAME, INSTANCE_ID)
        assert written["requester"] == f"arn:aws:sts::111122223333:assumed-role/NodeRole/{INSTANCE_ID}"
        assert (written["reason"], written["message"]) == (condition["reason"], condition["message"])
        assert [finding["reason"] for finding in written["findings"]] == [Reason.ADDRESS_NOT_OF_INSTANCE]
        assert (written["mode"], written["written"]) == ("enforce", True)
