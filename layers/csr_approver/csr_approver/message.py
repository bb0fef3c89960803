"""The wire contract of the CSR queue, for both ends: JSON of two kinds, and an unknown field never matters.

    {"kind": "csr", "cluster": "demo", "name": "csr-6plsz", "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13"}

points at a request, and says nothing about it.

    {"kind": "heartbeat", "cluster": "demo", "watcher": "csr-watcher-0", "version": "0.1.0", "pending": 3,
     "oldestPendingSeconds": 12.5, "notIssued": 1, "failedBySigner": 0, "troubles": [
       {"trouble": "NotIssued", "name": "csr-6plsz", "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13",
        "requester": "system:node:ip-10-0-1-23.us-west-2.compute.internal", "since": "2026-11-22T08:00:00Z",
        "detail": ""}]}

tells how the watcher is and what it sees. That is telemetry, and evidence for nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from csr_approver.policy.times import parse_time

MAX_TROUBLES = 100
"""Of one heartbeat; what goes beyond is not read."""

MAX_TEXT = 512
"""Characters of any text in a heartbeat."""

_MAX_COUNT = 1_000_000
_MAX_SECONDS = 1e7

# Kubernetes: object names are RFC 1123 subdomains of at most 253 characters; a uid is an opaque short string.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_UID = re.compile(r"[A-Za-z0-9-]{1,128}")

_POINTER, _HEARTBEAT = "csr", "heartbeat"


class MalformedMessageError(ValueError):
    """A message that no retry can mend. The text is one line, safe to log."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which request to read. Whoever can write to the queue gains nothing by it."""

    name: str
    uid: str


class Trouble(StrEnum):
    """What may become of a request after its approval; each has a heading in docs/policy.md."""

    NOT_ISSUED = "NotIssued"
    FAILED_BY_SIGNER = "FailedBySigner"


@dataclass(frozen=True, slots=True)
class TroubledRequest:
    """A request that somebody has to look at, and whose it is.

    `requester` is the user name. `since`, in RFC 3339 as Kubernetes writes it, is the time of the condition (Approved
    or Failed) that the trouble began with, `detail` the words of that condition.
    """

    trouble: Trouble
    name: str
    uid: str
    requester: str
    since: str
    detail: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How many requests are in which state, and the troubles that were not told before.

    `watcher` is the name of the replica, `oldest_pending_seconds` is 0 where nothing is pending. `unreadable`: entries
    among the troubles that made no sense, or were too many, and were skipped by `parse_message`.
    """

    watcher: str
    version: str
    pending: int
    oldest_pending_seconds: float
    not_issued: int
    failed_by_signer: int
    troubles: tuple[TroubledRequest, ...] = ()
    unreadable: int = 0


def pointer_message(cluster: str, pointer: Pointer) -> str:
    """The body of the message about one request."""
    return _compact({"kind": _POINTER, "cluster": cluster, "name": pointer.name, "uid": pointer.uid})


def heartbeat_message(cluster: str, heartbeat: Heartbeat) -> str:
    """The body of a heartbeat, its texts and figures cut to what `parse_message` takes.

    A heartbeat that were refused for one figure would look like a watcher that is dead.
    """
    return _compact(
        {
            "kind": _HEARTBEAT,
            "cluster": cluster,
            "watcher": heartbeat.watcher[:MAX_TEXT],
            "version": heartbeat.version[:MAX_TEXT],
            "pending": min(heartbeat.pending, _MAX_COUNT),
            "oldestPendingSeconds": min(heartbeat.oldest_pending_seconds, _MAX_SECONDS),
            "notIssued": min(heartbeat.not_issued, _MAX_COUNT),
            "failedBySigner": min(heartbeat.failed_by_signer, _MAX_COUNT),
            "troubles": [
                {
                    "trouble": troubled.trouble,
                    "name": troubled.name,
                    "uid": troubled.uid,
                    "requester": troubled.requester[:MAX_TEXT],
                    "since": troubled.since,
                    "detail": troubled.detail[:MAX_TEXT],
                }
                for troubled in heartbeat.troubles
            ],
        }
    )


def parse_message(body: str, cluster: str) -> Pointer | Heartbeat:
    """Raises MalformedMessageError for anything but a pointer into this cluster or a heartbeat of its watcher."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedMessageError("the body is not JSON") from None
    if not isinstance(message, dict):
        raise MalformedMessageError("the body is no JSON object")
    kind = message.get("kind")
    if kind not in (_POINTER, _HEARTBEAT):
        raise MalformedMessageError(f"unknown kind {_short(kind)}")
    if message.get("cluster") != cluster:
        raise MalformedMessageError(f"is for cluster {_short(message.get('cluster'))}, this stack serves {cluster}")
    if kind == _HEARTBEAT:
        return _read_heartbeat(message)
    return read_pointer(message.get("name"), message.get("uid"))


def read_pointer(name: object, uid: object) -> Pointer:
    """Raises MalformedMessageError for a name or a uid that Kubernetes does not give."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedMessageError(f"name {_short(name)} is no object name")
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise MalformedMessageError(f"uid {_short(uid)} is no uid")
    return Pointer(name, uid)


def _read_heartbeat(message: Mapping[str, Any]) -> Heartbeat:
    entries = message.get("troubles")
    if not isinstance(entries, list):
        raise MalformedMessageError(f"troubles {_short(entries)} is no list")
    troubles = tuple(troubled for entry in entries[:MAX_TROUBLES] if (troubled := _read_troubled(entry)))
    return Heartbeat(
        watcher=_text(message, "watcher"),
        version=_text(message, "version"),
        pending=_count(message, "pending"),
        oldest_pending_seconds=_seconds(message, "oldestPendingSeconds"),
        not_issued=_count(message, "notIssued"),
        failed_by_signer=_count(message, "failedBySigner"),
        troubles=troubles,
        unreadable=len(entries) - len(troubles),
    )


def _read_troubled(entry: object) -> TroubledRequest | None:
    """None: one that a newer watcher writes, or nobody; the figures beside it are as good as ever."""
    if not isinstance(entry, dict):
        return None
    try:
        pointer = read_pointer(entry.get("name"), entry.get("uid"))
        requester, since, detail = (_text(entry, key) for key in ("requester", "since", "detail"))
        trouble = Trouble(_text(entry, "trouble"))
    except ValueError:
        return None
    return TroubledRequest(trouble, pointer.name, pointer.uid, requester, since, detail) if parse_time(since) else None


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise MalformedMessageError(f"{key} {_short(value)} is no text of at most {MAX_TEXT} characters")
    return value


def _count(fields: Mapping[str, Any], key: str) -> int:
    value = fields.get(key)
    # JSON's true is an int to Python.
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise MalformedMessageError(f"{key} {_short(value)} is no count up to {_MAX_COUNT}")
    return value


def _seconds(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MAX_SECONDS:
        raise MalformedMessageError(f"{key} {_short(value)} is no number of seconds up to {_MAX_SECONDS:.0f}")
    return float(value)


def _compact(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def _short(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float | bool | None) else type(value).__name__
