"""What DNS says of one name: the A and the AAAA answer apart, so that half an answer is never taken for a whole one."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from csr_approver.policy.observation import Observation


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answers for one name.

    Absent: NXDOMAIN, or the name exists without such a record. Unavailable: SERVFAIL, REFUSED, time-out,
    or anything else that is no answer.
    """

    ipv4: Observation[frozenset[IPv4Address]]
    ipv6: Observation[frozenset[IPv6Address]]
