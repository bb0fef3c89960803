"""The cluster's facts: what the settings state, and what EKS says of the rest."""

import base64
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.evidence.cache import ExpiringCache
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.observation import Observation, Seen, Unavailable
from csr_approver.settings import ClusterSettings, parse_endpoint

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

CLUSTER_ARN = re.compile(r"arn:(?P<partition>aws(?:-[a-z0-9]+)*):eks:(?P<region>[a-z0-9-]+):[0-9]{12}:cluster/.+")


class EksClusters:
    """eks:DescribeCluster, remembered for five minutes."""

    def __init__(self, client: "EKSClient") -> None:
        self._client = client
        self._documents = ExpiringCache(self._describe)

    def describe(self, name: str) -> Observation[Mapping[str, Any]]:
        """The cluster as `aws eks describe-cluster` prints it under `cluster`."""
        return self._documents.get(name)

    def _describe(self, name: str) -> Observation[Mapping[str, Any]]:
        try:
            return Seen(self._client.describe_cluster(name=name)["cluster"])
        except (ClientError, BotoCoreError) as error:
            return Unavailable(f"EKS could not be asked for cluster {name}: {describe_error(error)}")


def stated_cluster(settings: ClusterSettings, partition: str, region: str) -> Cluster | None:
    """The facts that the settings state, if they state them all."""
    if settings.vpc_id is None or settings.endpoint is None or not settings.service_networks:
        return None
    return Cluster(settings.name, partition, region, settings.vpc_id, settings.endpoint, settings.service_networks)


def described_cluster(document: Mapping[str, Any], settings: ClusterSettings) -> Observation[Cluster]:
    """The facts that EKS describes; one that the settings state counts instead. Incomplete: Unavailable."""
    arn = CLUSTER_ARN.fullmatch(str(document.get("arn")))
    if arn is None:
        return Unavailable("EKS describes the cluster without a readable ARN")
    vpc_id = settings.vpc_id or _mapping(document.get("resourcesVpcConfig")).get("vpcId")
    endpoint = settings.endpoint
    if endpoint is None:
        try:
            endpoint = parse_endpoint(str(document.get("endpoint") or ""))
        except ValueError:
            return Unavailable("EKS describes the cluster without an endpoint")
    networks = settings.service_networks or _service_networks(_mapping(document.get("kubernetesNetworkConfig")))
    if not isinstance(vpc_id, str) or not vpc_id:
        return Unavailable("EKS describes the cluster without a VPC")
    if not networks:
        return Unavailable("EKS describes the cluster without a service CIDR")
    return Seen(Cluster(settings.name, arn["partition"], arn["region"], vpc_id, endpoint, networks))


def cluster_access(document: Mapping[str, Any]) -> tuple[str, bytes]:
    """Where the API server is and which CA vouches for it: its URL and the CA in PEM. Raises ValueError."""
    endpoint, authority = document.get("endpoint"), _mapping(document.get("certificateAuthority")).get("data")
    if not isinstance(endpoint, str) or not isinstance(authority, str):
        raise ValueError("EKS describes the cluster without endpoint and certificate authority")
    return endpoint, base64.b64decode(authority, validate=True)


def _service_networks(document: Mapping[str, Any]) -> tuple[IPv4Network | IPv6Network, ...]:
    """None at all if one of them cannot be read: what is a Service's must be known in full."""
    networks = (document.get(key) for key in ("serviceIpv4Cidr", "serviceIpv6Cidr"))
    try:
        return tuple(ip_network(str(network)) for network in networks if network)
    except ValueError:
        return ()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
