"""From requests to verdicts, as a batch: cluster facts, one EC2 call, IAM, then DNS; each verdict as soon as it is due.

Reads only. The function (csr_approver.review) and the operator's command (csr_approver.cli) decide by this alone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.evidence import (
    Evidence,
    Need,
    NeedProfileRole,
    NeedResolutions,
    NeedTrustPolicy,
)
from csr_approver.policy.examine import Candidate, examine
from csr_approver.policy.instance import Instance
from csr_approver.policy.judge import judge
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Observation, Seen
from csr_approver.policy.question import InstanceQuestion
from csr_approver.policy.reason import Source
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.role import Role, TrustPolicy
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Approve, Deny, Undetermined, Verdict

_PARALLEL_IAM_CALLS = 8


class Instances(Protocol):
    """EC2, or a file of its answers."""

    def find(
        self, questions: Collection[InstanceQuestion], vpc_id: str
    ) -> Mapping[InstanceQuestion, Observation[tuple[Instance, ...]]]:
        """An answer for each question."""


class Roles(Protocol):
    """IAM, or files of its answers."""

    def profile_role(self, profile_arn: str) -> Observation[Role]:
        """The role in an instance profile; it may be five minutes old."""

    def profile_role_now(self, profile_arn: str) -> Observation[Role]:
        """The role in an instance profile, read now: a denial rests on nothing older than itself."""

    def trust_policy(self, role: Role) -> Observation[TrustPolicy]:
        """Who may assume a role."""


class Names(Protocol):
    """DNS, or zone files."""

    def resolve(self, names: Collection[DnsName]) -> Iterator[tuple[DnsName, Resolution]]:
        """Each name as soon as both its answers are in."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict on the request at `position`, and as much of what it rests on as was looked at."""

    position: int
    verdict: Verdict
    candidate: Candidate | None = None
    evidence: Evidence | None = None


@dataclass(slots=True)
class _Case:
    position: int
    candidate: Candidate
    evidence: Evidence
    must_be_fresh: bool = False

    def assessed(self, verdict: Verdict) -> Assessment:
        return Assessment(self.position, verdict, self.candidate, self.evidence)


class Assessor:
    """The four sources that a verdict rests on, and the settings that it depends on."""

    def __init__(
        self,
        cluster: Callable[[], Observation[Cluster]],
        instances: Instances,
        roles: Roles,
        names: Names,
        settings: PolicySettings,
    ) -> None:
        self._cluster, self._instances, self._roles, self._names = cluster, instances, roles, names
        self._settings = settings
        self._iam_calls = ThreadPoolExecutor(_PARALLEL_IAM_CALLS, "iam")

    def assess(self, requests: Sequence[SigningRequest]) -> Iterator[Assessment]:
        """One assessment a request, in the order in which the verdicts are found."""
        cluster = self._cluster()
        candidates: dict[int, Candidate] = {}
        for position, request in enumerate(requests):
            result = examine(request, cluster, self._settings)
            if isinstance(result, Candidate):
                candidates[position] = result
            else:
                yield Assessment(position, result)
        if candidates and isinstance(cluster, Seen):
            yield from self._judge_all(candidates, cluster.value)

    def _judge_all(self, candidates: Mapping[int, Candidate], cluster: Cluster) -> Iterator[Assessment]:
        questions = {candidate.question for candidate in candidates.values()}
        answers = self._instances.find(questions, cluster.vpc_id)
        cases = [
            _Case(position, candidate, Evidence(answers[candidate.question]))
            for position, candidate in candidates.items()
        ]
        unresolved: list[tuple[_Case, frozenset[DnsName]]] = []
        while cases:
            roleless: list[tuple[_Case, NeedProfileRole | NeedTrustPolicy]] = []
            again: list[_Case] = []
            for case in cases:
                match self._judge(case, cluster):
                    case NeedResolutions(names):
                        unresolved.append((case, names))
                    case NeedProfileRole() | NeedTrustPolicy() as need:
                        roleless.append((case, need))
                    case Deny() as denial if _rests_on_iam(denial) and not case.must_be_fresh:
                        case.must_be_fresh = True
                        again.append(case)
                    case verdict:
                        yield case.assessed(verdict)
            self._ask_iam(roleless)
            for case in again:
                case.evidence = replace(case.evidence, profile_role=None)
            cases = [*again, *(case for case, _ in roleless)]
        yield from self._resolve_all(unresolved, cluster)

    def _ask_iam(self, roleless: Sequence[tuple[_Case, NeedProfileRole | NeedTrustPolicy]]) -> None:
        """Each distinct question once, all at the same time, into the evidence of those who asked it."""
        profiles = {
            (need.profile_arn, case.must_be_fresh) for case, need in roleless if isinstance(need, NeedProfileRole)
        }
        roles = {need.role for _, need in roleless if isinstance(need, NeedTrustPolicy)}
        profile_roles = dict(zip(profiles, self._iam_calls.map(self._profile_role, profiles), strict=True))
        trust_policies = dict(zip(roles, self._iam_calls.map(self._roles.trust_policy, roles), strict=True))
        for case, need in roleless:
            match need:
                case NeedProfileRole(profile_arn):
                    case.evidence = replace(case.evidence, profile_role=profile_roles[profile_arn, case.must_be_fresh])
                case NeedTrustPolicy(role):
                    case.evidence = replace(case.evidence, trust_policy=trust_policies[role])

    def _profile_role(self, profile: tuple[str, bool]) -> Observation[Role]:
        profile_arn, must_be_fresh = profile
        return (self._roles.profile_role_now if must_be_fresh else self._roles.profile_role)(profile_arn)

    def _resolve_all(
        self, unresolved: Sequence[tuple[_Case, frozenset[DnsName]]], cluster: Cluster
    ) -> Iterator[Assessment]:
        """A case is judged when its own last name is in: a silent server for one name delays nobody else's."""
        waiting: dict[DnsName, list[tuple[_Case, set[DnsName]]]] = {}
        for case, names in unresolved:
            missing = set(names)
            for name in names:
                waiting.setdefault(name, []).append((case, missing))
        known: dict[DnsName, Resolution] = {}
        for name, resolution in self._names.resolve(waiting.keys()):
            known[name] = resolution
            for case, missing in waiting.pop(name, []):
                missing.discard(name)
                if missing:
                    continue
                case.evidence = replace(case.evidence, resolutions=known)
                match self._judge(case, cluster):
                    case Approve() | Deny() | Undetermined() as verdict:
                        yield case.assessed(verdict)

    def _judge(self, case: _Case, cluster: Cluster) -> Approve | Deny | Undetermined | Need:
        return judge(case.candidate, case.evidence, cluster, self._settings)


def _rests_on_iam(denial: Deny) -> bool:
    return any(finding.reason.source is Source.IAM for finding in denial.findings)
