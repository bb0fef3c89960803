"""Whatever is on the queue that is no message of this cluster: dropped, told, counted, and never tried again."""

import json
from typing import Any

import pytest

from csr_approver.message import Heartbeat, MalformedMessageError, parse_message
from csr_approver.policy.reason import Reason
from csr_approver_local.system import System
from tests.support.endings import troubles
from tests.support.heartbeats import HEARTBEAT, changed_heartbeat
from tests.support.requests import signing_request
from tests.support.worlds import default_world

POINTER = {"kind": "csr", "cluster": "demo", "name": "csr-00000", "uid": "00000000-0000-0000-0000-000000000000"}
MOST_BYTES = 1 << 20


def changed(**fields: Any) -> str:
    """A pointer with some fields replaced; None: left out."""
    return json.dumps({key: value for key, value in (POINTER | fields).items() if value is not None})


BODIES = {
    "no JSON": "hello",
    "a blank": " ",
    "JSON that is cut off": changed()[:-1],
    "two objects": changed() * 2,
    "a byte order mark": "\ufeff" + changed(),
    "a number": "1",
    "a number of 5,000 digits": "1" * 5000,
    "null": "null",
    "a text": '"csr"',
    "a list of pointers": f"[{changed()}]",
    "an object of nothing": "{}",
    "deeply nested lists": "[" * 100_000,
    "a pointer with deeply nested lists": changed()[:-1] + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "a mebibyte of blanks": " " * MOST_BYTES,
    "a mebibyte of name": changed(name="a" * (MOST_BYTES - 200)),
    "an unknown kind": changed(kind="pod"),
    "no kind": changed(kind=None),
    "a kind that is a list": changed(kind=["csr"]),
    "a kind in capitals": changed(kind="CSR"),
    "a kind with half a character": changed(kind="\ud800"),
    "another cluster": changed(cluster="other"),
    "no cluster": changed(cluster=None),
    "a cluster that is an object": changed(cluster={"name": "demo"}),
    "no name": changed(name=None),
    "an empty name": changed(name=""),
    "a name that is a number": changed(name=1),
    "a name that leads elsewhere": changed(name="../nodes/a"),
    "a name with a query": changed(name="csr-1?watch=true"),
    "a name of 254 characters": changed(name="a" * 254),
    "a name in capitals": changed(name="CSR-1"),
    "a name with a line break": changed(name="csr-1\n"),
    "no uid": changed(uid=None),
    "an empty uid": changed(uid=""),
    "a uid that is a list": changed(uid=[POINTER["uid"]]),
    "a uid of 129 characters": changed(uid="a" * 129),
    "a uid with a line break": changed(uid=f"{POINTER['uid']}\n"),
    "a heartbeat of another cluster": changed_heartbeat(cluster="other"),
    "a heartbeat of no cluster": changed_heartbeat(cluster=None),
    "a heartbeat without watcher": changed_heartbeat(watcher=None),
    "a heartbeat whose watcher is a list": changed_heartbeat(watcher=["csr-watcher-0"]),
    "a heartbeat whose watcher has 513 characters": changed_heartbeat(watcher="a" * 513),
    "a heartbeat without version": changed_heartbeat(version=None),
    "a heartbeat whose version is a number": changed_heartbeat(version=1.5),
    "a heartbeat with half a character": changed_heartbeat(version="\ud800" * 513),
    "a heartbeat without figures": changed_heartbeat(pending=None),
    "a heartbeat that counts true": changed_heartbeat(pending=True),
    "a heartbeat that counts in words": changed_heartbeat(pending="3"),
    "a heartbeat that counts a half": changed_heartbeat(notIssued=0.5),
    "a heartbeat that counts below zero": changed_heartbeat(notIssued=-1),
    "a heartbeat that counts beyond a million": changed_heartbeat(failedBySigner=1_000_001),
    "a heartbeat without age": changed_heartbeat(oldestPendingSeconds=None),
    "a heartbeat whose age is true": changed_heartbeat(oldestPendingSeconds=True),
    "a heartbeat whose age is below zero": changed_heartbeat(oldestPendingSeconds=-0.1),
    "a heartbeat whose age is no number": changed_heartbeat(oldestPendingSeconds=float("nan")),
    "a heartbeat whose age is infinite": changed_heartbeat(oldestPendingSeconds=float("inf")),
    "a heartbeat whose age is beyond all bounds": changed_heartbeat(oldestPendingSeconds=10**400),
    "a heartbeat without troubles": changed_heartbeat(troubles=None),
    "a heartbeat whose troubles are an object": changed_heartbeat(troubles={"trouble": "NotIssued"}),
    "a heartbeat whose troubles are a text": changed_heartbeat(troubles="NotIssued"),
    "a mebibyte of watcher": changed_heartbeat(watcher="a" * (MOST_BYTES - 500)),
}


@pytest.mark.parametrize("sentence", BODIES)
def test_what_is_no_message_is_malformed(sentence: str) -> None:
    with pytest.raises(MalformedMessageError) as refused:
        parse_message(BODIES[sentence], "demo")
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


def test_what_is_no_message_is_dropped_at_once_and_harms_nobody() -> None:
    with System(default_world()) as system:
        for body in BODIES.values():
            system.submit(signing_request())
            system.send(body)
        system.run()
        dropped = [line["messageId"] for line in system.log if line["message"] == "message dropped"]
        assert len(dropped) == len(set(dropped)) == len(BODIES)
        assert sum(sum(metric.get("MalformedMessages", [])) for metric in system.metrics) == len(BODIES)
        assert [line["verdict"] for line in system.decisions] == ["Approve"] * len(BODIES)
        assert "WatcherHeartbeat" not in str(system.metrics)
        assert troubles(system) == []


GOOD: dict[str, str] = {
    "fields that nobody knows yet": changed(version=2, more={"a": [1]}),
    "other order and blanks": json.dumps(dict(reversed(POINTER.items())), indent=4),
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_a_pointer_may_have(body: str) -> None:
    with System(default_world()) as system:
        system.send(body)
        system.run()
        assert [line["reasons"] for line in system.decisions] == [[Reason.REQUEST_GONE]]
        assert troubles(system) == []


GOOD_HEARTBEATS: dict[str, str] = {
    "all that the contract says": json.dumps(HEARTBEAT),
    "fields that nobody knows yet": changed_heartbeat(uptime=2, more={"a": [1]}, name="../nodes/a"),
    "texts of 512 characters": changed_heartbeat(watcher="a" * 512, version="a" * 512),
    "texts that are no letters": changed_heartbeat(watcher="\ud800\n\x1b[2J", version=""),
    "the largest figures": changed_heartbeat(
        pending=1_000_000, oldestPendingSeconds=1e7, notIssued=1_000_000, failedBySigner=1_000_000
    ),
    "no figure but zero": changed_heartbeat(pending=0, oldestPendingSeconds=0, notIssued=0, failedBySigner=0),
    "troubles that make no sense": changed_heartbeat(troubles=[None, [], "NotIssued", {}, "[" * 1000]),
}


@pytest.mark.parametrize("body", GOOD_HEARTBEATS.values(), ids=GOOD_HEARTBEATS)
def test_a_heartbeat_may_have(body: str) -> None:
    assert isinstance(parse_message(body, "demo"), Heartbeat)
    with System(default_world()) as system:
        system.send(body)
        system.run()
        assert [line["message"] for line in system.log] == ["heartbeat"]
        assert sum(sum(metric["WatcherHeartbeat"]) for metric in system.metrics) == 1
        assert troubles(system) == []


def test_a_pointer_to_another_uid_gains_nothing() -> None:
    with System(default_world()) as system:
        request = system.cluster.load(signing_request())
        system.send(system.pointer(request["metadata"]["name"], POINTER["uid"]))
        system.run()
        assert [line["reasons"] for line in system.decisions] == [[Reason.REQUEST_GONE]]
        assert system.cluster.stored(request["metadata"]["name"]) == request
        assert troubles(system) == []
