"""The rule that DNS decides: no name that is asked for may lead to anything but the instance. DNS only narrows."""

from collections.abc import Iterator, Mapping

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.permitted import custom_names, ec2_names, listed_addresses
from csr_approver.policy.reason import Reason
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Finding, listed


def names_to_resolve(
    candidate: Candidate, instance: Instance, cluster: Cluster, settings: PolicySettings
) -> frozenset[DnsName]:
    """The names that EC2 or the operator's domains permit; a bare instance id is no DNS name.

    Nothing is asked about other names: a requester must not make the resolver work for whatever he writes.
    """
    if not settings.dns_check:
        return frozenset()
    permitted = ec2_names(instance, candidate.identity.node_name, cluster, settings) | custom_names(instance, settings)
    return (candidate.claims.names & permitted) - {instance.instance_id}


def check_resolutions(
    candidate: Candidate,
    instance: Instance,
    resolutions: Mapping[DnsName, Resolution],
    cluster: Cluster,
    settings: PolicySettings,
) -> Iterator[Finding]:
    """Every address in every answer must be listed for the instance; a custom-domain name must have an answer."""
    own = listed_addresses(instance)
    given_by_ec2 = ec2_names(instance, candidate.identity.node_name, cluster, settings)
    for name in names_to_resolve(candidate, instance, cluster, settings):
        resolution = resolutions.get(name)
        answers = (resolution.ipv4, resolution.ipv6) if resolution else (Unavailable("was not asked"),)
        addresses = frozenset().union(*(answer.value for answer in answers if isinstance(answer, Seen)))
        if elsewhere := addresses - own:
            reason = Reason.NAME_RESOLVES_ELSEWHERE if instance.is_complete else Reason.INSTANCE_INCOMPLETE
            yield Finding(reason, name, f"resolves to {listed(elsewhere)}, which is not this instance's")
        for answer in answers:
            if isinstance(answer, Unavailable):
                yield Finding(Reason.DNS_UNAVAILABLE, name, answer.detail)
        if not addresses and name not in given_by_ec2:
            details = dict.fromkeys(answer.detail for answer in answers if isinstance(answer, Absent))
            yield Finding(Reason.NAME_NOT_IN_DNS, name, f"has no address in DNS: {', '.join(details)}")
