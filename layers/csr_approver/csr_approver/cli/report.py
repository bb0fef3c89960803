"""What `explain` prints: a line of JSON, or each check with what was asked, found and permitted, and what to do."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, zip_longest
from typing import Any

from csr_approver.assess import Assessment
from csr_approver.cli.advice import ADVICE
from csr_approver.cli.comparison import Row, rows
from csr_approver.cli.conditions import Condition, conditions_of
from csr_approver.cli.mapping import Diagnosis
from csr_approver.cli.table import table
from csr_approver.cli.terminal import Mark, line_width
from csr_approver.message import Trouble
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.names import canonical_address
from csr_approver.policy.observation import Observation
from csr_approver.policy.pkcs10 import CertificateRequest, read_certificate_request
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.verdict import (
    DENIAL_MINIMUM_AGE,
    Approve,
    Deny,
    Finding,
    Ignore,
    Verdict,
    findings_of,
    is_violation,
    shown,
)
from csr_approver.settings import Settings

_HEADINGS = ("    CHECK", "ASKED", "FOUND", "PERMITTED")
_PAGE_WIDTH = 120
_MANY = 400
_UNREADABLE = frozenset(
    {
        Reason.CLUSTER_UNREADABLE,
        Reason.INSTANCE_UNREADABLE,
        Reason.INSTANCE_PROFILE_UNREADABLE,
        Reason.TRUST_POLICY_UNREADABLE,
        Reason.DNS_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A request, its verdict, and all that the verdict rests on. `live`: no source was a file."""

    document: Any
    request: SigningRequest
    assessment: Assessment
    cluster: Observation[Cluster]
    settings: Settings
    diagnosis: Diagnosis | None
    live: bool

    @property
    def verdict(self) -> Verdict:
        """With all its findings."""
        return self.assessment.verdict

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What stands in the status."""
        return conditions_of(self.document) if isinstance(self.document, Mapping) else ()


def json_line(explanation: Explanation) -> str:
    """The contract of DESIGN section 5: one line a request."""
    request, verdict = explanation.request, explanation.verdict
    findings = [
        {"reason": finding.reason, "subject": finding.subject, "detail": finding.detail}
        for finding in findings_of(verdict)
    ]
    return json.dumps(
        {"name": request.name, "uid": request.uid, "verdict": type(verdict).__name__, "findings": findings}
    )


def text_block(explanation: Explanation, now: datetime) -> str:
    """The verdict, the tick list, then each reason with what to do about it. Ends in an empty line."""
    request, verdict = explanation.request, explanation.verdict
    parts = [
        f"{shown(request.name) or '(no name)'}: {type(verdict).__name__}",
        *_head(explanation),
        *([] if isinstance(verdict, Ignore) else _tick_list(explanation)),
        *_reasons(explanation),
        *_notes(explanation, now),
    ]
    if explanation.diagnosis:
        parts += ["", *_diagnosis_lines(explanation.diagnosis)]
    return "\n".join(parts) + "\n"


def summary(verdict: Verdict) -> str:
    """A verdict and its findings in one line."""
    findings = [f"{finding.reason}: {finding.subject} {finding.detail}" for finding in findings_of(verdict)]
    return "; ".join([type(verdict).__name__, *findings])


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """As wide as the terminal; `first` and `rest` are what the first line and the others begin with."""
    return textwrap.wrap(
        text,
        line_width() or _PAGE_WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _head(explanation: Explanation) -> Iterator[str]:
    request = explanation.request
    yield f"  asked by   {shown(request.username or 'nobody')}"
    if request.created_at:
        yield f"  created    {request.created_at:%Y-%m-%d %H:%M:%SZ}"
    if explanation.assessment.candidate is None:
        yield from wrapped(f"asks for   {_asked_for(request)}", "  ", " " * 13)
    for condition in explanation.conditions:
        yield from wrapped(f"status     {condition}", "  ", " " * 13)
    if request.decided:
        yield f"  issued     {'yes' if request.issued else 'no: there is no certificate'}"


def _asked_for(request: SigningRequest) -> str:
    """What stands in a request that did not come as far as the comparison of names."""
    certificate = read_certificate_request(request.pem_base64)
    if not isinstance(certificate, CertificateRequest):
        return "what no kubelet asks for: the request is not as a kubelet sends it"
    names = (
        name if isinstance(name, str) else str(canonical_address(name) or name.hex(":"))
        for name in certificate.alternative_names
    )
    return shown(f"{', '.join(names)}, in the name of {certificate.common_name}", _MANY)


def _tick_list(explanation: Explanation) -> Iterator[str]:
    every = rows(explanation.request, explanation.assessment, explanation.cluster, explanation.settings)
    made = [row for row in every if row.mark is not Mark.SKIPPED]
    lines = table(_HEADINGS, [cells for row in made for cells in _cells(row)])
    width = line_width()
    yield ""
    if width is None or max(map(len, lines)) <= width:
        yield from lines
    else:
        for row in made:
            yield from _stacked(row)
    if skipped := [row.check for row in every if row.mark is Mark.SKIPPED]:
        yield f"  {Mark.SKIPPED} not looked at: {', '.join(skipped)}"


def _cells(row: Row) -> Iterator[Sequence[str]]:
    for number, cells in enumerate(zip_longest(row.asked, row.found, row.permitted, fillvalue="")):
        yield (f"  {row.mark} {row.check}" if number == 0 else "", *cells)


def _stacked(row: Row) -> Iterator[str]:
    """For a terminal that is narrower than the table."""
    yield f"  {row.mark} {row.check}"
    for name, values in (("asked", row.asked), ("found", row.found), ("permitted", row.permitted)):
        if values:
            yield from wrapped("; ".join(values), f"      {name:<9}  ", " " * 17)


def _reasons(explanation: Explanation) -> Iterator[str]:
    verdict = explanation.verdict
    yield ""
    if isinstance(verdict, Approve):
        yield f"  {Mark.PASSED} {Reason.NODE_VERIFIED}"
        yield from wrapped(ADVICE[Reason.NODE_VERIFIED], "      -> ", " " * 9)
    for reason, findings in groupby(findings_of(verdict), lambda finding: finding.reason):
        told = list(findings)
        yield f"  {_mark(told[0], verdict)} {reason}"
        for finding in told:
            yield from wrapped(f"{finding.subject} {finding.detail}", "      ", " " * 8)
        yield from wrapped(ADVICE[_advised(reason, explanation)], "      -> ", " " * 9)


def _mark(finding: Finding, verdict: Verdict) -> Mark:
    if isinstance(verdict, Ignore):
        return Mark.SKIPPED
    return Mark.DISPROVED if is_violation(finding) else Mark.UNKNOWN


def _advised(reason: Reason, explanation: Explanation) -> Reason | Trouble:
    """For a decided request the advice is about its decision."""
    if reason is not Reason.ALREADY_DECIDED or explanation.request.issued:
        return reason
    decisions = {condition.kind: condition.reason for condition in explanation.conditions}
    if "Failed" in decisions:
        return Trouble.FAILED_BY_SIGNER
    if denied := [each for each in Reason if each == decisions.get("Denied")]:
        return denied[0]
    return Trouble.NOT_ISSUED if "Approved" in decisions else reason


def _notes(explanation: Explanation, now: datetime) -> Iterator[str]:
    verdict, request = explanation.verdict, explanation.request
    notes = []
    if isinstance(verdict, Deny) and not verdict.may_be_written(request.created_at, now):
        seconds = int(DENIAL_MINIMUM_AGE.total_seconds())
        notes.append(f"the denial is only written if a fresh read at the age of {seconds} s still gives it")
    if explanation.live and any(finding.reason in _UNREADABLE for finding in findings_of(verdict)):
        notes.append("this was read from here and with your own permissions: the function may see more")
    if isinstance(verdict, Ignore) and "Approved" in request.condition_types:
        notes.append("`--set mode=observe` judges an approved request all the same")
    for note in notes:
        yield from wrapped(f"note       {note}", "  ", " " * 13)


def _diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    end = ":" if diagnosis.commands else "."
    yield from wrapped(f"mapping    {diagnosis.text}{end}", "  ", " " * 13)
    for command in diagnosis.commands:
        first, *others = command.splitlines()
        yield f"    $ {first}"
        yield from (f"        {line}" for line in others)
