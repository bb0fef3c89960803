"""What one look at a CertificateSigningRequest tells the watcher."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from csr_approver.message import MAX_TEXT, Pointer, read_pointer
from csr_approver.policy.request import KUBELET_SERVING, read_signing_request
from csr_approver.policy.times import parse_time


class Stage(StrEnum):
    """How far a request has come. The first that holds, in the order ISSUED, FAILED, DENIED, APPROVED, PENDING."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    FAILED = "failed"
    ISSUED = "issued"


# The condition that brings a request there. The signer only looks at Approved, and says Failed afterwards.
_STAGE_BY_CONDITION = {"Failed": Stage.FAILED, "Denied": Stage.DENIED, "Approved": Stage.APPROVED}


@dataclass(frozen=True, slots=True)
class Sighting:
    """`created_at` and `since` (when the stage was reached) are UTC, None where the object does not say.

    `live`: of the kubelet-serving signer, and not on its way out. `detail`: what the condition of the stage gives as
    reason and message.
    """

    pointer: Pointer
    live: bool
    requester: str
    created_at: datetime | None
    stage: Stage
    since: datetime | None
    detail: str


def read_sighting(document: Any) -> Sighting:
    """Raises MalformedMessageError for what no pointer can name: without a name and a uid as Kubernetes makes them."""
    request = read_signing_request(document)
    pointer = read_pointer(request.name, request.uid)
    conditions = _conditions(document)
    kind = next((kind for kind in _STAGE_BY_CONDITION if kind in conditions), None)
    stage = Stage.ISSUED if request.issued else _STAGE_BY_CONDITION[kind] if kind else Stage.PENDING
    condition = conditions[kind] if kind else {}
    return Sighting(
        pointer,
        request.signer_name == KUBELET_SERVING and not request.being_deleted,
        # Thousands of requests of one noisy node share it.
        sys.intern(request.username or ""),
        request.created_at,
        stage,
        parse_time(condition.get("lastTransitionTime")) or parse_time(condition.get("lastUpdateTime")),
        ": ".join(text for key in ("reason", "message") if isinstance(text := condition.get(key), str) and text)[
            :MAX_TEXT
        ],
    )


def _conditions(document: Any) -> dict[str, Mapping[str, Any]]:
    """By type. The API server takes one of each type."""
    status = document.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return {
        condition["type"]: condition
        for condition in (conditions if isinstance(conditions, list) else [])
        if isinstance(condition, dict) and isinstance(condition.get("type"), str)
    }
