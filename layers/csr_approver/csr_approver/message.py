"""The wire contract of the CSR queue: JSON that points at a request, and never says anything about it.

    {"kind": "csr", "cluster": "demo", "name": "csr-6plsz", "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13"}

Unknown fields are allowed, so that a newer watcher can talk to an older function.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

# Kubernetes: object names are RFC 1123 subdomains of at most 253 characters; a uid is an opaque short string.
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_UID = re.compile(r"[A-Za-z0-9-]{1,128}")


class MalformedMessageError(ValueError):
    """A message that no retry can mend. The text is one line, safe to log."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which request to read. Whoever can write to the queue gains nothing by it."""

    name: str
    uid: str


def parse_message(body: str, cluster: str) -> Pointer:
    """Raises MalformedMessageError for anything but a pointer into this cluster."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedMessageError("the body is not JSON") from None
    if not isinstance(message, dict):
        raise MalformedMessageError("the body is no JSON object")
    if message.get("kind") != "csr":
        raise MalformedMessageError(f"unknown kind {_short(message.get('kind'))}")
    if message.get("cluster") != cluster:
        raise MalformedMessageError(f"is for cluster {_short(message.get('cluster'))}, this stack serves {cluster}")
    name, uid = message.get("name"), message.get("uid")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MalformedMessageError(f"name {_short(name)} is no object name")
    if not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise MalformedMessageError(f"uid {_short(uid)} is no uid")
    return Pointer(name, uid)


def _short(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float | bool | None) else type(value).__name__
