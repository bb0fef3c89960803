"""The rule that DNS decides: no name that is asked for may lead to anything but the instance. DNS only narrows."""

from collections.abc import Iterator, Mapping
from typing import Any

from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.permitted import Permitted, listed_addresses
from csr_approver.policy.reason import Reason
from csr_approver.policy.resolution import Resolution
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Finding, listed

_NOT_ASKED = Resolution(Unavailable("was not asked"), Unavailable("was not asked"))


def names_to_resolve(
    candidate: Candidate, instance: Instance, permitted: Permitted, settings: PolicySettings
) -> frozenset[DnsName]:
    """The names that EC2 or the operator's domains permit; a bare instance id is no DNS name.

    Nothing is asked about other names: a requester must not make the resolver work for whatever he writes.
    """
    if not settings.dns_check:
        return frozenset()
    return (candidate.claims.names & permitted.names) - {instance.instance_id}


def check_resolutions(
    names: frozenset[DnsName], resolutions: Mapping[DnsName, Resolution], instance: Instance, permitted: Permitted
) -> Iterator[Finding]:
    """Every address in every answer must be listed for the instance; a custom-domain name must have an answer."""
    own = listed_addresses(instance)
    for name in names:
        resolution = resolutions.get(name, _NOT_ASKED)
        answers = (resolution.ipv4, resolution.ipv6)
        for answer in answers:
            match answer:
                case Seen(addresses):
                    if elsewhere := addresses - own:
                        reason = Reason.NAME_RESOLVES_ELSEWHERE if instance.is_complete else Reason.INSTANCE_INCOMPLETE
                        yield Finding(reason, name, f"resolves to {listed(elsewhere)}, which is not this instance's")
                case Unavailable(detail):
                    yield Finding(Reason.DNS_UNAVAILABLE, name, detail)
        if name not in permitted.ec2_names and all(map(_has_nothing, answers)):
            details = dict.fromkeys(answer.detail for answer in answers if isinstance(answer, Absent))
            yield Finding(Reason.NAME_NOT_IN_DNS, name, f"has no address in DNS: {', '.join(details)}")


def _has_nothing(answer: Observation[Any]) -> bool:
    return isinstance(answer, Absent) or (isinstance(answer, Seen) and not answer.value)
