"""Heartbeats as the watcher sends them: a valid one, to break one thing at a time."""

import json
from typing import Any

from csr_approver.message import Heartbeat, Trouble, TroubledRequest
from tests.support.requests import NODE_NAME

HEARTBEAT: dict[str, Any] = {
    "kind": "heartbeat",
    "cluster": "demo",
    "watcher": "csr-watcher-0",
    "version": "0.1.0",
    "pending": 3,
    "oldestPendingSeconds": 12.5,
    "notIssued": 1,
    "failedBySigner": 0,
    "troubles": [
        {
            "trouble": "NotIssued",
            "name": "csr-6plsz",
            "uid": "25b0242c-cfee-4e2b-82d3-38c438c13b13",
            "requester": f"system:node:{NODE_NAME}",
            "since": "2026-11-22T08:00:00Z",
            "detail": "",
        }
    ],
}
"""The message of the contract."""


def changed_heartbeat(**fields: Any) -> str:
    """The message with some fields replaced; None: left out."""
    return json.dumps({key: value for key, value in (HEARTBEAT | fields).items() if value is not None})


def heartbeat(*troubles: TroubledRequest, watcher: str = "csr-watcher-0") -> Heartbeat:
    """Of a cluster in which three requests are pending."""
    return Heartbeat(watcher, "0.1.0", 3, 12.5, 1, 0, troubles)


def troubled(
    number: int = 0,
    trouble: Trouble = Trouble.NOT_ISSUED,
    *,
    requester: str = f"system:node:{NODE_NAME}",
    detail: str = "",
) -> TroubledRequest:
    """A request that was approved and got no certificate."""
    uid = f"25b0242c-cfee-4e2b-82d3-{number:012}"
    return TroubledRequest(trouble, f"csr-{number:05}", uid, requester, "2026-11-22T08:00:00Z", detail)
