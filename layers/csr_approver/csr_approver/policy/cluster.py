"""The facts of the cluster that the rules compare with."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from csr_approver.policy.names import DnsName, IPAddress


@dataclass(frozen=True, slots=True)
class Cluster:
    """From eks:DescribeCluster or the settings.

    `endpoint` is the API server's host, a name or an address; `service_networks` is never empty.
    """

    name: str
    partition: str
    region: str
    vpc_id: str
    endpoint: DnsName | IPAddress
    service_networks: tuple[IPv4Network | IPv6Network, ...]

    @property
    def instance_domain(self) -> str:
        """The domain of the names that EC2 gives (EC2 user guide, instance hostname types)."""
        return "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"
