"""A request as an audit tells of it: what became of it, or would, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from csr_approver.cli.audit.certificates import read_issued
from csr_approver.cli.audit.states import DENIED_BY_OTHERS, NOT_DECIDED, STRANGER, Outcome, State
from csr_approver.cli.conditions import Condition, conditions_of
from csr_approver.cli.find import node_asked_for
from csr_approver.cli.mapping import Diagnosis
from csr_approver.message import Trouble
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SESSION_NAME, SigningRequest
from csr_approver.policy.verdict import Deny, Ignore, Undetermined, Verdict, findings_of, shown

_LONGEST_NAME = 253
_LONGEST_SUMMARY = 100
_MOST_FINDINGS = 5
_REASONS_OF_A_WRONG_MAPPING = frozenset({Reason.SUBJECT_MISMATCH, Reason.GROUPS_NOT_OF_A_NODE})
_BEGINNINGS: Mapping[type[Verdict], str] = {
    Deny: "would be denied",
    Undetermined: "cannot be decided",
    Ignore: "left alone",
}


@dataclass(frozen=True, slots=True)
class RequestState:
    """One request, without what it carries.

    `node` is whose certificate it asks for, empty if that cannot be read. `is_nodes`: a node itself asked. `instance`
    is the session that the authenticator vouches for, empty without one.
    """

    name: str
    requester: str
    node: str
    is_nodes: bool
    instance: str
    created_at: datetime | None
    outcome: Outcome


def is_over(request: SigningRequest) -> bool:
    """Issued, denied or failed: no verdict on it tells anything new."""
    return request.issued or not request.condition_types.isdisjoint({"Denied", "Failed"})


def ended_request(
    document: Mapping[str, Any], request: SigningRequest, diagnose: Callable[[SigningRequest], Diagnosis | None]
) -> RequestState:
    """One that is over: issued, denied or failed. `diagnose` is asked where a wrong mapping may be why."""
    conditions = {condition.kind: condition for condition in conditions_of(document)}
    if failed := conditions.get("Failed"):
        return _request(request, _ended(State.FAILED, failed, Trouble.FAILED_BY_SIGNER, request))
    if denied := conditions.get("Denied"):
        reason = denied.reason if denied.reason in set(Reason) else DENIED_BY_OTHERS
        outcome = _ended(State.DENIED, denied, reason, request)
        diagnosis = diagnose(request) if reason in _REASONS_OF_A_WRONG_MAPPING else None
        return _request(request, _mapped_wrongly(outcome, request, diagnosis) or outcome)
    certificate = read_issued(document["status"]["certificate"])
    until = f"until {certificate.not_after:%Y-%m-%d %H:%MZ}" if certificate else "the certificate cannot be read"
    since = _written_at(conditions.get("Approved"), request)
    return _request(request, Outcome(State.ISSUED, since, summary=until, detail=until, certificate=certificate))


def open_request(
    document: Mapping[str, Any], request: SigningRequest, verdict: Verdict, diagnosis: Diagnosis | None
) -> RequestState:
    """One that is not over. `verdict` is of an approver that judges approved requests too."""
    judged = _judged(request, verdict, diagnosis)
    approved = next((each for each in conditions_of(document) if each.kind == "Approved"), None)
    if approved is None or judged.state is State.WRONG_MAPPING:
        return _request(request, judged)
    outcome = replace(
        judged,
        state=State.NOT_ISSUED,
        since=_written_at(approved, request),
        reason=Trouble.NOT_ISSUED,
        summary=f"approved, but {judged.summary}" if judged.reasons else "approved, but there is no certificate",
        detail=f"{approved}. By this approver: {judged.detail}",
    )
    return _request(request, outcome)


def _request(request: SigningRequest, outcome: Outcome) -> RequestState:
    return RequestState(
        name=shown(request.name, _LONGEST_NAME),
        requester=shown(request.username or "nobody", _LONGEST_NAME),
        node=shown(request.node_name or node_asked_for(request) or "", _LONGEST_NAME),
        is_nodes=request.node_name is not None,
        instance=shown(", ".join(request.extra.get(SESSION_NAME) or ())),
        created_at=request.created_at,
        outcome=outcome,
    )


def _written_at(condition: Condition | None, request: SigningRequest) -> datetime | None:
    return (condition and condition.written_at) or request.created_at


def _ended(state: State, condition: Condition, reason: str, request: SigningRequest) -> Outcome:
    words = ": ".join(text for text in (condition.reason, condition.message) if text)
    return Outcome(
        state,
        _written_at(condition, request),
        reason=reason,
        summary=shown(words, _LONGEST_SUMMARY),
        detail=str(condition),
        reasons=(reason,),
    )


def _judged(request: SigningRequest, verdict: Verdict, diagnosis: Diagnosis | None) -> Outcome:
    findings = findings_of(verdict)
    pending = Outcome(State.PENDING, request.created_at, verdict=type(verdict).__name__)
    if not findings:
        return replace(pending, reason=NOT_DECIDED, summary="would be approved", detail="every rule holds")
    first, reasons = findings[0], tuple(dict.fromkeys(str(finding.reason) for finding in findings))
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    judged = replace(
        pending,
        reason=first.reason,
        summary=f"{_BEGINNINGS[type(verdict)]}: {first.reason} {first.subject}{more}",
        detail="; ".join(f"{finding.subject} {finding.detail}" for finding in findings[:_MOST_FINDINGS]) + more,
        reasons=reasons,
    )
    if mapped := _mapped_wrongly(judged, request, diagnosis):
        return mapped
    if first.reason is Reason.REQUESTER_NOT_A_NODE:
        detail = diagnosis.text if diagnosis else judged.detail
        summary = f"{shown(request.username)} is no node"
        return replace(judged, reason=STRANGER, summary=summary, detail=detail, reasons=(STRANGER,))
    return judged


def _mapped_wrongly(outcome: Outcome, request: SigningRequest, diagnosis: Diagnosis | None) -> Outcome | None:
    """None where no mapping is to be mended."""
    if diagnosis is None or not diagnosis.commands:
        return None
    summary = f"came as {shown(request.username)}"
    return replace(
        outcome, state=State.WRONG_MAPPING, summary=summary, detail=diagnosis.text, commands=diagnosis.commands
    )
