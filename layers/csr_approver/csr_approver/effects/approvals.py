"""The decision on the request itself: one PUT on /approval of the object as it was read."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from csr_approver.clients.api_server import KubernetesError
from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Approve, Deny

MESSAGE_LIMIT = 200

_APPROVED_MESSAGE = "Every name and address in the request is this instance's own, by EC2 and DNS."
# 404: deleted meanwhile (1.36). 409: changed, or deleted and made anew (uid). 422: a condition was there before ours.
_OVERTAKEN = frozenset({404, 409, 422})


class Written(Enum):
    """What became of the PUT."""

    DONE = "done"
    OVERTAKEN = "overtaken"


class Approvals(Protocol):
    """The one write that the approver may make in the cluster."""

    def put_approval(self, document: Mapping[str, Any]) -> None:
        """Replace the approval. Raises KubernetesError."""


def write_decision(api: Approvals, document: Mapping[str, Any], verdict: Approve | Deny, now: datetime) -> Written:
    """Add the condition to the object as it was read.

    Its labels and annotations survive, and its uid and resourceVersion make sure that it is still the object that
    was judged. Raises KubernetesError for what is worth a retry.
    """
    try:
        api.put_approval(with_condition(document, verdict, now))
    except KubernetesError as error:
        if error.status in _OVERTAKEN:
            return Written.OVERTAKEN
        raise
    return Written.DONE


def with_condition(document: Mapping[str, Any], verdict: Approve | Deny, now: datetime) -> dict[str, Any]:
    """A copy of the object with the decision as its last condition."""
    status = document.get("status", {})
    conditions = [*(status.get("conditions") or []), _condition(verdict, now)]
    return {**document, "status": {**status, "conditions": conditions}}


def condition_message(deny: Deny) -> str:
    """One sentence for the node's operator, who reads it in the kubelet's log: what was asked, what is permitted."""
    first, *others = deny.findings
    more = f" (and {len(others)} more)" if others else ""
    sentence = f"{first.subject} {first.detail}"
    room = MESSAGE_LIMIT - len(more) - 1
    return (sentence if len(sentence) <= room else sentence[: room - 3] + "...") + more + "."


def _condition(verdict: Approve | Deny, now: datetime) -> dict[str, str]:
    condition = {"status": "True", "lastUpdateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    match verdict:
        case Approve():
            return condition | {"type": "Approved", "reason": Reason.NODE_VERIFIED, "message": _APPROVED_MESSAGE}
        case Deny(findings):
            message = condition_message(verdict)
            return condition | {"type": "Denied", "reason": findings[0].reason, "message": message}
