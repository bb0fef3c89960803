"""Section "decisions": what the function met of late when it asked the API server, EC2, IAM and DNS."""

from collections import defaultdict
from collections.abc import Iterator

from csr_approver.cli.advice import ADVICE
from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, wrong
from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import shown

_DNS = (Reason.DNS_UNAVAILABLE, Reason.NAME_NOT_IN_DNS)
_SOURCES = (
    Reason.REQUEST_UNREADABLE,
    Reason.CLUSTER_UNREADABLE,
    Reason.INSTANCE_UNREADABLE,
    Reason.INSTANCE_PROFILE_UNREADABLE,
    Reason.TRUST_POLICY_UNREADABLE,
)
_LIMIT = 300
_UNKNOWN_ROLE = "If the approver's role was made anew: delete its access entry, and create it again."


def _sources(facts: Facts) -> Iterator[Found]:
    yield from _met(facts, _SOURCES, "every source answered in the last hour")


def _dns(facts: Facts) -> Iterator[Found]:
    yield from _met(facts, _DNS, "no name was left open by DNS in the last hour")


def _met(facts: Facts, reasons: tuple[Reason, ...], fine: str) -> Iterator[Found]:
    if not facts.heartbeats() and not facts.unanswered():
        yield not_applicable("the approver's log tells of nothing")
        return
    told: defaultdict[Reason, list[str]] = defaultdict(list)
    for event in facts.unanswered():
        for finding in (event.fields or {}).get("findings") or ():
            name, _, text = str(finding).partition(": ")
            for reason in reasons:
                if reason == name:
                    told[reason].append(text)
    for reason, texts in told.items():
        refused = reason is Reason.REQUEST_UNREADABLE and " 401" in texts[-1]
        mend = f"{_UNKNOWN_ROLE} {ADVICE[reason]}" if refused else ADVICE[reason]
        yield wrong(f"{len(texts)} times in the last hour, at last: {shown(texts[-1], _LIMIT)}", mend, reason)
    if not told:
        yield ok(fine)


def _written(facts: Facts) -> Iterator[Found]:
    failed = [event.fields or {} for event in facts.unanswered() if (event.fields or {}).get("effect") != "left"]
    failed = [line for line in failed if line.get("error")]
    if failed:
        last = shown(failed[-1].get("error"), _LIMIT)
        mend = "403: kubectl apply -k watcher/deploy. Else: docs/operations.md, FailedReviewsAlarm"
        yield wrong(f"{len(failed)} were not carried out in the last hour, at last: {last}", mend)
    elif facts.heartbeats():
        yield ok("all were carried out in the last hour")
    else:
        yield not_applicable("the approver's log tells of nothing")


def _custom_domains(facts: Facts) -> Iterator[Found]:
    domains = sorted(facts.settings().policy.custom_domains)
    if not domains:
        yield not_applicable("custom-domains is not set")
    elif not (facts.approver().get("VpcConfig") or {}).get("VpcId"):
        mend = "deploy with VpcId, SubnetIds and ClusterSecurityGroupId (docs/operations.md, Private clusters)"
        yield wrong(f"{', '.join(domains)}: private names, and the function is outside any VPC", mend)
    else:
        yield ok(f"{', '.join(domains)}, looked up from inside the VPC")


CHECKS: Checks = {"sources": _sources, "DNS": _dns, "writing": _written, "custom domains": _custom_domains}
