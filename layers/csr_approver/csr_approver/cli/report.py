"""What `explain` prints: a line of JSON, or each check with what was asked and what was found."""

import json
from collections.abc import Mapping
from datetime import datetime

from csr_approver.assess import Assessment
from csr_approver.cli.checks import CHECKS
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.evidence import Evidence
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.instance_rules import the_instance
from csr_approver.policy.observation import Observation, Seen
from csr_approver.policy.permitted import permitted
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import (
    DENIAL_MINIMUM_AGE,
    Deny,
    Ignore,
    Verdict,
    findings_of,
    is_violation,
    listed,
    shown,
)


def json_line(request: SigningRequest, verdict: Verdict) -> str:
    """The contract of DESIGN section 5: one line a request."""
    findings = [
        {"reason": finding.reason, "subject": finding.subject, "detail": finding.detail}
        for finding in findings_of(verdict)
    ]
    return json.dumps(
        {"name": request.name, "uid": request.uid, "verdict": type(verdict).__name__, "findings": findings}
    )


def text_block(
    request: SigningRequest,
    assessment: Assessment,
    cluster: Observation[Cluster],
    settings: PolicySettings,
    now: datetime,
) -> str:
    """The verdict, then a line a check: + passed, x disproved, ? not known, - not looked at."""
    verdict, candidate = assessment.verdict, assessment.candidate
    lines = [
        f"{shown(request.name) or '(no name)'}: {type(verdict).__name__}",
        _line(" ", "asked by", shown(request.username or "nobody")),
    ]
    if candidate:
        lines.append(_line(" ", "asks for", listed((*candidate.claims.names, *candidate.claims.addresses))))
    passed = _passed(assessment, cluster, settings)
    for check, reasons in CHECKS.items():
        findings = [finding for finding in findings_of(verdict) if finding.reason in reasons]
        for finding in findings:
            mark = "-" if isinstance(verdict, Ignore) else "x" if is_violation(finding) else "?"
            lines.append(_line(mark, check, f"{finding.reason}: {finding.subject} {finding.detail}"))
        if not findings:
            lines.append(_line("+" if check in passed else "-", check, passed.get(check, "not looked at")))
    if isinstance(verdict, Deny) and not verdict.may_be_written(request.created_at, now):
        seconds = int(DENIAL_MINIMUM_AGE.total_seconds())
        lines.append(_line(" ", "note", f"is only written if a fresh read at the age of {seconds} s still gives it"))
    return "\n".join(lines) + "\n"


def _line(mark: str, name: str, text: object) -> str:
    return f"  {mark} {name:<10} {text}".rstrip()


def _passed(assessment: Assessment, cluster: Observation[Cluster], settings: PolicySettings) -> Mapping[str, str]:
    """What was found by each check that was made, whether or not it objected."""
    if isinstance(assessment.verdict, Ignore):
        return {}
    found = {"routing": "a pending kubelet-serving request of an EC2 node"}
    if not isinstance(cluster, Seen):
        return found
    found |= {
        "cluster": f"{cluster.value.name} in {cluster.value.region}, {cluster.value.vpc_id}",
        "identity": "a node",
        "form": "as a kubelet sends it",
    }
    candidate, evidence = assessment.candidate, assessment.evidence
    if candidate is None or evidence is None:
        return found
    if candidate.identity.session:
        session = candidate.identity.session
        found["identity"] = f"{candidate.identity.node_name}, {session.instance_id} with role {session.role.name}"
    instances = evidence.instances.value if isinstance(evidence.instances, Seen) else ()
    instance = the_instance(instances, candidate.question, cluster.value)
    if isinstance(instance, Instance):
        found |= _found_of(candidate, evidence, instance, cluster.value, settings)
    return found


def _found_of(
    candidate: Candidate, evidence: Evidence, instance: Instance, cluster: Cluster, settings: PolicySettings
) -> Mapping[str, str]:
    own = permitted(instance, candidate.identity.node_name, cluster, settings)
    found = {
        "instance": f"{instance.instance_id} is {instance.state} in {instance.vpc_id}",
        "names": f"permitted: {listed(own.names)}",
        "addresses": f"permitted: {listed(own.addresses)}",
    }
    if isinstance(evidence.profile_role, Seen):
        found["role"] = f"the instance profile holds {evidence.profile_role.value.name}"
    if evidence.resolutions:
        asked = candidate.claims.names & evidence.resolutions.keys()
        found["dns"] = "; ".join(f"{name} -> {_answers(evidence.resolutions[name])}" for name in sorted(asked))
    return found


def _answers(resolution: Resolution) -> str:
    return ", ".join(
        listed(answer.value) if isinstance(answer, Seen) else answer.detail
        for answer in (resolution.ipv4, resolution.ipv6)
    )
