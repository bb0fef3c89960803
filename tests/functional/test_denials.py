"""`csr-approver denials`: the records that the recorder wrote, by node, reason and time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from csr_approver_local.system import DENIAL_LOG_GROUP, System
from tests.support.command import Command, Ran
from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request

OTHER = "ip-10-0-1-24.us-west-2.compute.internal"
STACK = {
    "StackResourceSummaries": [
        {
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "LastUpdatedTimestamp": "2026-11-01T09:00:00+00:00",
            "ResourceStatus": "CREATE_COMPLETE",
        }
        for logical, physical, kind in (
            *((f"Other{number}", f"other-{number}", "AWS::SQS::Queue") for number in range(25)),
            ("ApproverFunction", "approver", "AWS::Lambda::Function"),
            ("DenialLogGroup", DENIAL_LOG_GROUP, "AWS::Logs::LogGroup"),
        )
    ]
}


def record(uid: str, node: str = NODE_NAME, reason: str = "AddressNotOfInstance", **fields: Any) -> dict[str, Any]:
    """As effects/denials.py makes it."""
    return {
        "kind": "denial",
        "uid": uid,
        "cluster": "demo",
        "name": f"csr-{uid}",
        "node": node,
        "instance": INSTANCE_ID if node == NODE_NAME else "i-0fedcba9876543210",
        "reason": reason,
        "message": "10.0.1.24 is not this node's own.",
        "findings": [{"reason": reason, "subject": "10.0.1.24", "detail": "is not this node's own"}],
        "written": True,
        "decidedAt": "2026-11-22T08:00:00+00:00",
        **fields,
    }


def write(*records: object, ago: timedelta = timedelta()) -> None:
    """Into the denial log; text as it is."""
    logs = boto3.client("logs")
    stream = f"stream-{time.monotonic_ns()}"
    logs.create_log_stream(logGroupName=DENIAL_LOG_GROUP, logStreamName=stream)
    timestamp = int((datetime.now(UTC) - ago).timestamp() * 1000)
    messages = [each if isinstance(each, str) else json.dumps(each) for each in records]
    events: Sequence[Any] = [{"timestamp": timestamp + number, "message": text} for number, text in enumerate(messages)]
    logs.put_log_events(logGroupName=DENIAL_LOG_GROUP, logStreamName=stream, logEvents=events)


@pytest.fixture
def denials(command: Command, system: System) -> Any:
    """The command, in an account with the stack."""
    system.aws.stacks.put("csr-approver-demo", STACK)
    return lambda *arguments: command.run("denials", *arguments)


def uids(ran: Ran) -> list[str]:
    """Of --output json."""
    assert ran.status == 0
    return [json.loads(line)["uid"] for line in ran.out.splitlines()]


def test_what_the_approver_denied_is_shown_with_what_to_do(denials: Any, system: System) -> None:
    name = system.submit(signing_request("10.0.1.24"))
    system.run()
    ran = denials()
    assert (ran.status, ran.err) == (0, "")
    assert [NODE_NAME, name, "AddressNotOfInstance"] == ran.out.splitlines()[1].split()[3:6]
    assert "1 request of 1 node\n" in ran.out
    assert "\nAddressNotOfInstance\n  -> " in ran.out
    assert uids(denials("--output", "json")) == [system.denials[0]["uid"]]


def test_one_nodes_denials_for_one_reason_are_one_line(denials: Any) -> None:
    write(*(record(str(number)) for number in range(60)), ago=timedelta(hours=2))
    write(record("60"), record("60"), record("a", OTHER), record("b", reason="NameNotOfInstance"))
    lines = denials().out.split("\n\n")[0].splitlines()[1:]
    assert sorted((line.split("  ")[1].split()[0], NODE_NAME in line) for line in lines) == [
        ("x1", False),
        ("x1", True),
        ("x61", True),
    ]
    each = denials("--each", "--limit", "1000").out.split("\n\n")[0].splitlines()[1:]
    assert len(each) == 63


def test_the_newest_lines_are_kept(denials: Any) -> None:
    write(*(record(str(number), f"node-{number}") for number in range(5)))
    ran = denials("--limit", "2")
    assert [line.split()[3] for line in ran.out.splitlines()[1:3]] == ["node-3", "node-4"]
    assert "3 older lines are left out" in ran.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["old", "a", "b", "c"]),
        (["--since", "30m"], ["a", "b", "c"]),
        (["--until", "30m"], ["old"]),
        (["--node", OTHER], ["b"]),
        (["--node", INSTANCE_ID], ["old", "a", "c"]),
        (["--node", "i-0000000000000000f"], []),
        (["--reason", "NameNotOfInstance"], ["b", "c"]),
        (["--reason", "NotIssued"], []),
    ],
    ids=" ".join,
)
def test_which_records(denials: Any, options: list[str], found: list[str]) -> None:
    second = [{"reason": "AddressNotOfInstance"}, {"reason": "NameNotOfInstance"}]
    write(record("old"), ago=timedelta(hours=1))
    write(record("a"), record("b", OTHER, "NameNotOfInstance"), record("c", findings=second))
    assert uids(denials("--output", "json", *options)) == found


def test_bad_records_stop_nothing(denials: Any) -> None:
    bad = ["{", "text", {"kind": "denial"}, {"kind": "denial", "uid": 5}, ["denial"]]
    odd = {"kind": "denial", "uid": "odd", "node": 5, "findings": ["x"], "message": None, "reason": "\x1b[2J"}
    write(record("a"), *bad, odd, record("b"))
    ran = denials("--each")
    assert ran.status == 0
    assert len(ran.out.split("\n\n")[0].splitlines()[1:]) == 3
    assert "\x1b" not in ran.out
    assert "2 events" in ran.err


def test_throttling_is_waited_out(denials: Any, system: System) -> None:
    write(record("a"))
    system.aws.fail_next("FilterLogEvents", "ThrottlingException", times=3)
    assert uids(denials("--output", "json")) == ["a"]


def test_none_is_said(denials: Any) -> None:
    ran = denials("--node", OTHER)
    assert (ran.status, ran.err) == (0, "")
    assert f"no such record in {DENIAL_LOG_GROUP}" in ran.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--reason", "AddresNotOfInstance"], "perhaps AddressNotOfInstance"),
        (["--since", "yesterday"], "neither like 30m"),
        (["--node", 'a" || "'], "no name of a node"),
        (["--limit", "0"], "no number of lines"),
        (["--follow", "--until", "1h"], "without --until"),
        (["--stack", "other"], "there is no stack other in us-west-2"),
        (["--log-group", "/nowhere"], "there is no log group /nowhere in us-west-2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_asked_is_told_in_one_line(denials: Any, options: list[str], words: str) -> None:
    ran = denials(*options)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert words in ran.err


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("FilterLogEvents", "logs:FilterLogEvents"),
        ("ListStackResources", "cloudformation:ListStackResources"),
    ],
)
def test_a_missing_permission_is_named(denials: Any, system: System, operation: str, permission: str) -> None:
    system.aws.fail_next(operation, "AccessDeniedException", times=10)
    ran = denials()
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert permission in ran.err


def test_following_tells_each_new_record_once_and_ends_by_ctrl_c(denials: Any, system: System) -> None:
    """In a process of its own, for the signal."""
    write(record("a"))
    command = [str(Path(sys.executable).with_name("csr-approver")), "denials", "--follow", "--output", "json"]
    with subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["uid"] == "a"
        write(record("b"), record("a"))
        assert json.loads(following.stdout.readline())["uid"] == "b"
        following.send_signal(signal.SIGINT)
        out, err = following.communicate(timeout=30)
    assert (following.returncode, out, err) == (130, b"", b"")
