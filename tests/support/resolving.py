"""Asking the resolver for one name."""

from csr_approver.evidence.names import DnsNames
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Unavailable
from csr_approver.policy.resolution import Resolution


def resolve(server: str, name: str, seconds: float = 2) -> Resolution:
    return dict(DnsNames([server], seconds).resolve([DnsName(name)]))[DnsName(name)]


def unavailable(detail: str) -> Resolution:
    return Resolution(Unavailable(detail), Unavailable(detail))
