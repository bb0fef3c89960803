"""The first half of the verdict: all that needs no look-up. Routing, then identity and form."""

from dataclasses import dataclass
from datetime import datetime

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.form import Claims, check_spec, read_claims
from csr_approver.policy.identity import NodeIdentity, identify
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.question import InstanceQuestion, instance_question
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.routing import route
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Deny, Finding, Ignore, Undetermined, ordered


@dataclass(frozen=True, slots=True)
class Candidate:
    """A well-formed request of a known node; what it claims is still to be proved."""

    identity: NodeIdentity
    claims: Claims
    question: InstanceQuestion
    created_at: datetime | None


def examine(
    request: SigningRequest, cluster: Observation[Cluster], settings: PolicySettings
) -> Candidate | Deny | Undetermined | Ignore:
    """A candidate, or the verdict that no look-up can change."""
    if ignored := route(request, settings):
        return ignored
    match cluster:
        case Absent(detail) | Unavailable(detail):
            return Undetermined((Finding(Reason.CLUSTER_UNREADABLE, "cluster", detail),))
        case Seen(facts):
            identity = identify(request, facts, settings)
            claims = read_claims(request, facts)
            findings = list(check_spec(request, settings))
            if isinstance(identity, NodeIdentity) and isinstance(claims, Claims) and not findings:
                question = instance_question(identity, facts, settings)
                return Candidate(identity, claims, question, request.created_at)
            for objections in (identity, claims):
                if isinstance(objections, tuple):
                    findings += objections
            return Deny(ordered(findings))
