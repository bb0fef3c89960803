"""What stands in a request's status, and who wrote it, for a person to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csr_approver.policy.reason import Reason
from csr_approver.policy.times import parse_time
from csr_approver.policy.verdict import shown

_WORDS = 300


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; texts are as they came, None or empty where there is none."""

    kind: str
    reason: str
    message: str
    written_by: str | None
    written_at: datetime | None

    def __str__(self) -> str:
        by = f" by {shown(self.written_by)}" if self.written_by else ""
        words = ": ".join(shown(text, _WORDS) for text in (self.reason, self.message) if text)
        return f"{shown(self.kind)}{by}" + (f": {words}" if words else "")


def conditions_of(document: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Those of a CertificateSigningRequest, in their order; what is no condition is passed over."""
    status = _mapping(document.get("status"))
    conditions = status.get("conditions")
    return tuple(
        Condition(
            kind=_text(condition.get("type")),
            reason=_text(condition.get("reason")),
            message=_text(condition.get("message")),
            written_by=_writer(document, condition),
            written_at=parse_time(condition.get("lastUpdateTime")) or parse_time(condition.get("lastTransitionTime")),
        )
        for condition in map(_mapping, conditions if isinstance(conditions, list) else [])
        if _text(condition.get("type"))
    )


def _writer(document: Mapping[str, Any], condition: Mapping[str, Any]) -> str | None:
    """By the reason if it is one of ours, whose client has no telling name; else the field's manager."""
    if condition.get("reason") in set(Reason):
        return "eks-csr-approver"
    field = f'k:{{"type":"{condition.get("type")}"}}'
    fields = _mapping(document.get("metadata")).get("managedFields")
    for entry in map(_mapping, fields if isinstance(fields, list) else []):
        if field in _mapping(_mapping(_mapping(entry.get("fieldsV1")).get("f:status")).get("f:conditions")):
            return _text(entry.get("manager")) or None
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
