"""The second half of the verdict: what EC2, IAM and DNS say of the instance that asked.

`judge` is called with what is known so far. It answers with the verdict, or with the one thing that it has to know
next. A stage with a violation is the last, so that nothing is looked up for a request that cannot pass.
"""

from typing import assert_never

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.dns_rules import check_resolutions, names_to_resolve
from csr_approver.policy.evidence import Evidence, Need, NeedResolutions
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance_rules import check_instance, the_instance
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.permitted import permitted
from csr_approver.policy.reason import Reason
from csr_approver.policy.role_rules import check_role
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Approve, Deny, Finding, Undetermined, is_violation, verdict_of


def judge(
    candidate: Candidate, evidence: Evidence, cluster: Cluster, settings: PolicySettings
) -> Approve | Deny | Undetermined | Need:
    """The verdict, or what is still to be asked for it. An unknown does not stop: a later stage may still disprove."""
    match evidence.instances:
        case Seen(found):
            instance = the_instance(found, candidate.question, cluster)
        case Absent():
            instance = the_instance((), candidate.question, cluster)
        case Unavailable(detail):
            return Undetermined((Finding(Reason.INSTANCE_UNREADABLE, candidate.identity.node_name, detail),))
        case _:
            assert_never(evidence.instances)
    if isinstance(instance, Finding):
        return Undetermined((instance,))

    own = permitted(instance, candidate.identity.node_name, cluster, settings)
    findings = list(check_instance(candidate, instance, own, cluster, settings))
    if any(map(is_violation, findings)):
        return verdict_of(findings)

    for result in check_role(candidate, instance, evidence, settings):
        if not isinstance(result, Finding):
            return result
        findings.append(result)
    if any(map(is_violation, findings)):
        return verdict_of(findings)

    if names := names_to_resolve(candidate, instance, own, settings):
        if evidence.resolutions is None:
            return NeedResolutions(names)
        findings += check_resolutions(names, evidence.resolutions, instance, own)
    return verdict_of(findings)
