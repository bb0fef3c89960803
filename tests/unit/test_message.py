"""The queue's messages: a pointer, a heartbeat, or malformed in words that are safe to log."""

import json
from dataclasses import replace
from typing import Any

import pytest

from csr_approver.message import (
    MAX_TROUBLES,
    Heartbeat,
    MalformedMessageError,
    Pointer,
    Trouble,
    TroubledRequest,
    heartbeat_message,
    parse_message,
    pointer_message,
)
from tests.support.heartbeats import HEARTBEAT
from tests.support.requests import NODE_NAME

MESSAGE = {"kind": "csr", "cluster": "demo", "name": "csr-6plsz", "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13"}
POINTER = Pointer("csr-6plsz", "25b0242c-cfee-4e2b-82d3-38c438c13b13")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({}, POINTER, id="the message of the contract"),
        pytest.param({"sentAt": "2026-11-22T08:00:00Z", "watcher": {}}, POINTER, id="fields of a newer watcher"),
        pytest.param({"name": "a.b-c.9"}, Pointer("a.b-c.9", POINTER.uid), id="a name with dots"),
        pytest.param({"name": "a" * 253}, Pointer("a" * 253, POINTER.uid), id="a name of 253 characters"),
        pytest.param({"uid": "x" * 128}, Pointer("csr-6plsz", "x" * 128), id="a uid of 128 characters"),
    ],
)
def test_a_pointer_is_read(change: dict[str, Any], pointer: Pointer) -> None:
    assert parse_message(json.dumps(MESSAGE | change), "demo") == pointer


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("", "not JSON", id="nothing"),
        pytest.param("{", "not JSON", id="half an object"),
        pytest.param(json.dumps(MESSAGE) + "x", "not JSON", id="an object and more"),
        pytest.param("[" * 100_000, "not JSON", id="a deep nesting"),
        pytest.param("9" * 5000, "not JSON", id="a number that is too long"),
        pytest.param("[]", "no JSON object", id="a list"),
        pytest.param('"csr"', "no JSON object", id="a string"),
        pytest.param("null", "no JSON object", id="null"),
    ],
)
def test_a_body_that_is_no_object_is_malformed(body: str, words: str) -> None:
    with pytest.raises(MalformedMessageError, match=words):
        parse_message(body, "demo")


@pytest.mark.parametrize("key", ["kind", "cluster", "name", "uid"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param(5, id="a number"),
        pytest.param(True, id="a truth value"),
        pytest.param(["csr-6plsz"], id="a list"),
        pytest.param({"a": "b" * 10_000}, id="an object"),
        pytest.param("../../secrets", id="a path"),
        pytest.param("CSR 1", id="a space"),
        pytest.param("csr-6plsz\n", id="a line break at the end"),
        pytest.param("a" * 300, id="300 characters"),
        pytest.param("é", id="a letter beyond ASCII"),
        pytest.param("\x1b[2J", id="an order to a terminal"),
    ],
)
def test_any_other_value_is_malformed_and_told_in_a_short_line(key: str, value: object) -> None:
    with pytest.raises(MalformedMessageError) as raised:
        parse_message(json.dumps(MESSAGE | {key: value}), "demo")
    assert key in str(raised.value)
    assert len(str(raised.value)) <= 150
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("key", ["kind", "cluster", "name", "uid"])
def test_a_missing_field_is_malformed(key: str) -> None:
    body = json.dumps({name: value for name, value in MESSAGE.items() if name != key})
    with pytest.raises(MalformedMessageError, match=key):
        parse_message(body, "demo")


def test_a_message_for_another_cluster_says_which_one_is_served() -> None:
    with pytest.raises(MalformedMessageError, match="for cluster 'demo', this stack serves other"):
        parse_message(json.dumps(MESSAGE), "other")


TROUBLED = TroubledRequest(
    Trouble.NOT_ISSUED, POINTER.name, POINTER.uid, f"system:node:{NODE_NAME}", "2026-11-22T08:00:00Z", ""
)


def read(**changes: Any) -> Heartbeat:
    """The heartbeat of the contract with some fields replaced."""
    heartbeat = parse_message(json.dumps(HEARTBEAT | changes), "demo")
    assert isinstance(heartbeat, Heartbeat)
    return heartbeat


def test_a_heartbeat_is_read() -> None:
    assert read() == Heartbeat("csr-watcher-0", "0.1.0", 3, 12.5, 1, 0, (TROUBLED,), unreadable=0)


def test_what_is_built_is_the_form_of_the_contract() -> None:
    assert json.loads(pointer_message("demo", POINTER)) == MESSAGE
    assert json.loads(heartbeat_message("demo", read())) == HEARTBEAT
    assert " " not in pointer_message("demo", POINTER) + heartbeat_message("demo", read())


@pytest.mark.parametrize(
    "key", ["watcher", "version", "pending", "oldestPendingSeconds", "notIssued", "failedBySigner"]
)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(True, id="a truth value"),
        pytest.param(-1, id="less than nothing"),
        pytest.param(10_000_001, id="more than there can be"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(float("nan"), id="no number"),
        pytest.param(["3"], id="a list"),
        pytest.param({"a": "b" * 10_000}, id="an object"),
        pytest.param("\x1b[2J" * 200, id="orders to a terminal"),
    ],
)
def test_any_other_value_in_a_heartbeat_is_malformed_and_told_in_a_short_line(key: str, value: object) -> None:
    with pytest.raises(MalformedMessageError) as raised:
        read(**{key: value})
    assert str(raised.value).startswith(key)
    assert len(str(raised.value)) <= 150
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"trouble": "Lost"}, id="a trouble of a newer watcher"),
        pytest.param({"trouble": ["NotIssued"]}, id="a trouble that is a list"),
        pytest.param({"trouble": None}, id="no trouble"),
        pytest.param({"name": "../../secrets"}, id="a name that is a path"),
        pytest.param({"name": None}, id="no name"),
        pytest.param({"uid": "a" * 129}, id="a uid of 129 characters"),
        pytest.param({"uid": 5}, id="a uid that is a number"),
        pytest.param({"requester": None}, id="no requester"),
        pytest.param({"requester": "a" * 513}, id="a requester of 513 characters"),
        pytest.param({"since": None}, id="no time"),
        pytest.param({"since": "yesterday"}, id="a time that is none"),
        pytest.param({"since": "2026-11-22T08:00:00"}, id="a time without zone"),
        pytest.param({"since": "2026-11-31T08:00:00Z"}, id="a day that is none"),
        pytest.param({"detail": None}, id="no detail"),
        pytest.param({"detail": "a" * 513}, id="a detail of 513 characters"),
    ],
)
def test_a_trouble_that_makes_no_sense_is_counted_and_costs_nothing_else(change: dict[str, Any]) -> None:
    (good,) = HEARTBEAT["troubles"]
    heartbeat = read(troubles=[good, good | change, good])
    assert (heartbeat.troubles, heartbeat.unreadable) == ((TROUBLED, TROUBLED), 1)


@pytest.mark.parametrize(
    ("change", "troubled"),
    [
        pytest.param({"more": {"a": [1]}}, TROUBLED, id="a field of a newer watcher"),
        pytest.param(
            {"trouble": "FailedBySigner"}, replace(TROUBLED, trouble=Trouble.FAILED_BY_SIGNER), id="a failure"
        ),
        pytest.param({"requester": "a" * 512}, replace(TROUBLED, requester="a" * 512), id="512 characters"),
        pytest.param({"detail": "\n\x1b[2J"}, replace(TROUBLED, detail="\n\x1b[2J"), id="words that are not printable"),
    ],
)
def test_a_trouble_is_read_with(change: dict[str, Any], troubled: TroubledRequest) -> None:
    (good,) = HEARTBEAT["troubles"]
    assert read(troubles=[good | change]).troubles == (troubled,)


@pytest.mark.parametrize(("number", "unreadable"), [(MAX_TROUBLES, 0), (MAX_TROUBLES + 1, 1), (5000, 4900)])
def test_no_more_troubles_are_read_than_a_heartbeat_may_have(number: int, unreadable: int) -> None:
    heartbeat = read(troubles=HEARTBEAT["troubles"] * number)
    assert (len(heartbeat.troubles), heartbeat.unreadable) == (MAX_TROUBLES, unreadable)
