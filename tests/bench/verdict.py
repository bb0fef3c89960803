"""What reading and deciding one request costs, beside what loading it and verifying its signature alone costs.

Rounds of both alternate, and the best round of each counts: what else the machine does can only add to a cost.
"""

import base64
import time
from collections.abc import Callable

from cryptography import x509

from csr_approver.evidence.clusters import described_cluster
from csr_approver.evidence.files import FileInstances, FileRoles
from csr_approver.policy.evidence import Evidence
from csr_approver.policy.examine import Candidate, examine
from csr_approver.policy.judge import judge
from csr_approver.policy.observation import Seen
from csr_approver.policy.request import read_signing_request
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Approve
from csr_approver.settings import ClusterSettings
from tests.bench.table import Row, Table
from tests.support.requests import CLUSTER, kubelet_object
from tests.support.worlds import default_world

_ROUNDS, _CALLS = 300, 25


def measure() -> Table:
    """The two costs and their ratio."""
    document = kubelet_object("b-external-ccm-csr2-pending")
    limit, ours = _limit(document["spec"]["request"]), _ours(document)
    rounds = [(_microseconds(limit), _microseconds(ours)) for _ in range(_ROUNDS)]
    limit_cost, our_cost = (min(costs) for costs in zip(*rounds, strict=True))
    ratio = our_cost / limit_cost
    return Table(
        "one verdict",
        [
            Row("load_and_verify_us", "load and verify", limit_cost, "us", "cryptography alone: the limit"),
            Row("read_and_decide_us", "read and decide", our_cost, "us", "the object as JSON to its verdict"),
            Row("ratio", "ratio", ratio, "", f"best of {_ROUNDS} rounds of {_CALLS}; must stay under 2", most=2),
        ],
    )


def _limit(pem_base64: str) -> Callable[[], None]:
    def load_and_verify() -> None:
        if not x509.load_pem_x509_csr(base64.b64decode(pem_base64)).is_signature_valid:
            raise AssertionError

    return load_and_verify


def _ours(document: object) -> Callable[[], None]:
    world, settings = default_world(), PolicySettings()
    facts = described_cluster(world.cluster["cluster"], ClusterSettings(CLUSTER))
    request = read_signing_request(document)
    candidate = examine(request, facts, settings)
    if not isinstance(facts, Seen) or not isinstance(candidate, Candidate):
        raise TypeError("the default world does not know the request")
    cluster = facts.value
    instances = FileInstances(world.instances["Reservations"]).find([candidate.question], cluster.vpc_id)
    roles = FileRoles(world.instance_profiles["InstanceProfiles"], world.roles["Roles"])
    role = roles.profile_role(world.instance_profiles["InstanceProfiles"][0]["Arn"])
    if not isinstance(role, Seen):
        raise TypeError("the default world does not know the role")
    resolutions = dict(world.zone.resolve(candidate.claims.names))
    evidence = Evidence(instances[candidate.question], role, roles.trust_policy(role.value), resolutions)

    def read_and_decide() -> None:
        candidate = examine(read_signing_request(document), facts, settings)
        if not isinstance(candidate, Candidate) or not isinstance(
            judge(candidate, evidence, cluster, settings), Approve
        ):
            raise AssertionError

    return read_and_decide


def _microseconds(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - started) / _CALLS * 1e6
