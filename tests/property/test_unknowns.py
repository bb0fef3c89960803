"""Only what was seen to be wrong denies, and only what was seen to be right approves; the rest leaves the request."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.evidence.clusters import described_cluster
from csr_approver.evidence.ec2_document import read_reservations
from csr_approver.policy.evidence import Evidence
from csr_approver.policy.examine import Candidate, examine
from csr_approver.policy.judge import judge
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.request import read_signing_request
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.role import Role, TrustPolicy
from csr_approver.policy.verdict import Approve, Deny, Undetermined
from tests.support.offline import settings_of
from tests.support.requests import ACCOUNT, INSTANCE_ID, NODE_NAME, signing_request
from tests.support.worlds import default_world

POLICY = settings_of().policy
CLUSTER = described_cluster(default_world().cluster["cluster"], settings_of().cluster)
OWN = next(i for i in read_reservations(default_world().instances["Reservations"]) if i.instance_id == INSTANCE_ID)
WRONG_INSTANCES = (
    replace(OWN, state="terminated"),
    replace(OWN, vpc_id="vpc-00000000000000000"),
    replace(OWN, account_id="999999999999"),
    replace(OWN, tags={"kubernetes.io/cluster/other": "owned"}),
    replace(OWN, private_dns_name=DnsName("ip-10-0-1-99.us-west-2.compute.internal")),
)
UNFINISHED_INSTANCES = (
    replace(OWN, state="pending"),
    replace(OWN, state="stopped"),
    replace(OWN, tags={}),
    replace(OWN, profile_arn=None),
    replace(OWN, private_dns_name=None),
    replace(OWN, interfaces=()),
)
UNKNOWN = [Absent("is not there"), Unavailable("timed out")]
ROLE, OTHER_ROLE = Role("aws", ACCOUNT, "NodeRole"), Seen(Role("aws", ACCOUNT, "Other"))
ELSEWHERE = Seen(frozenset({IPv4Address("10.0.1.66")}))


def seen(*values: Any) -> st.SearchStrategy[Any]:
    """One of these, or that it is not there, or that nobody knows."""
    return st.sampled_from([*map(Seen, values), *UNKNOWN])


INSTANCES = seen((OWN,), *((instance,) for instance in (*WRONG_INSTANCES, *UNFINISHED_INSTANCES)))
PROFILE_ROLES = seen(ROLE, OTHER_ROLE.value)
TRUST_POLICIES = seen(TrustPolicy(None), TrustPolicy("AWS *"))
IPV4 = seen(frozenset({IPv4Address("10.0.1.23")}), ELSEWHERE.value)
IPV6 = seen(ELSEWHERE.value)


@settings(max_examples=500)
@given(INSTANCES, PROFILE_ROLES, TRUST_POLICIES, IPV4, IPV6)
def test_only_what_was_seen_to_be_wrong_denies(
    instances: Any, profile_role: Any, trust_policy: Any, ipv4: Any, ipv6: Any
) -> None:
    assert isinstance(CLUSTER, Seen)
    candidate = examine(read_signing_request(signing_request()), CLUSTER, POLICY)
    assert isinstance(candidate, Candidate)
    resolutions = {DnsName(NODE_NAME): Resolution(ipv4, ipv6)}
    verdict = judge(candidate, Evidence(instances, profile_role, trust_policy, resolutions), CLUSTER.value, POLICY)

    instance = instances.value[0] if isinstance(instances, Seen) else None
    wrong = profile_role == OTHER_ROLE or ELSEWHERE in (ipv4, ipv6)
    if instance in WRONG_INSTANCES:
        assert isinstance(verdict, Deny)
    elif instance is None:
        assert isinstance(verdict, Undetermined)
    elif instance == OWN:
        right = (
            profile_role == Seen(ROLE)
            and trust_policy == Seen(TrustPolicy(None))
            and not isinstance(ipv4, Unavailable)
            and not isinstance(ipv6, Unavailable)
        )
        assert isinstance(verdict, Deny if wrong else Approve if right else Undetermined)
    else:
        assert not isinstance(verdict, Approve)
        assert isinstance(verdict, Undetermined) or wrong
