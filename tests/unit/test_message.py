"""The queue's messages: a pointer into this cluster, or malformed in words that are safe to log."""

import json
from typing import Any

import pytest

from csr_approver.message import MalformedMessageError, Pointer, parse_message

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
