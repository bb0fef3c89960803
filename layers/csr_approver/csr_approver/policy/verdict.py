"""The four verdicts, and how findings become one."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from csr_approver.policy.reason import Outcome, Reason, Source

DENIAL_MINIMUM_AGE = timedelta(seconds=60)
"""EC2, IAM and DNS are eventually consistent: what they refute in a request's first minute may be true in the next."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One rule's objection.

    `subject` is the name, address or field at fault; `detail` is one clause: what was asked and what is permitted.
    Both are shown to the node's operator, so neither may tell how the approver is configured.
    """

    reason: Reason
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Every rule ran and none objected."""


@dataclass(frozen=True, slots=True)
class Deny:
    """At least one rule is disproved."""

    findings: tuple[Finding, ...]

    def may_be_written(self, created_at: datetime | None, now: datetime) -> bool:
        """A denial is final at once if the request itself is at fault, else once the world had time to settle."""
        if any(finding.reason.source is Source.REQUEST for finding in self.findings):
            return True
        return created_at is not None and now - created_at >= DENIAL_MINIMUM_AGE


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Nothing is disproved, but a fact is missing."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not a request that this approver decides."""

    finding: Finding


Verdict: TypeAlias = Approve | Deny | Undetermined | Ignore


def is_violation(finding: Finding) -> bool:
    """Whether the finding disproves the request; the others only say that a fact is missing."""
    return finding.reason.outcome is Outcome.DENY


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, in an order that does not depend on the order of names, groups or instances."""
    return tuple(sorted(set(findings)))


def verdict_of(findings: Collection[Finding]) -> Approve | Deny | Undetermined:
    """Any violation denies, else any unknown leaves the request, else it is approved (DESIGN 3, precedence)."""
    if not findings:
        return Approve()
    if violations := [finding for finding in findings if is_violation(finding)]:
        return Deny(ordered(violations))
    return Undetermined(ordered(findings))


def findings_of(verdict: Verdict) -> tuple[Finding, ...]:
    """What a verdict has to say for itself, in a stable order."""
    match verdict:
        case Approve():
            return ()
        case Ignore(finding):
            return (finding,)
        case Deny(findings) | Undetermined(findings):
            return findings


def shown(text: object, limit: int = 80) -> str:
    """Whatever a requester wrote, as printable ASCII of at most `limit` characters, fit for a message or a log line."""
    escaped = str(text).encode("unicode_escape").decode("ascii")
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


def listed(values: Iterable[object]) -> str:
    """Permitted values for a detail, in a stable order; 'none' if there are none."""
    return ", ".join(sorted(map(str, values))) or "none"
