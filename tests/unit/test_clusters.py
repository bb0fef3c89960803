"""The cluster's facts: what the settings state counts, and EKS tells the rest."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from csr_approver.evidence.clusters import cluster_access, described_cluster, stated_cluster
from csr_approver.policy.cluster import Cluster
from csr_approver.policy.observation import Seen, Unavailable
from csr_approver.settings import ClusterSettings, parse_settings
from tests.support.worlds import default_world

DESCRIBED: dict[str, Any] = dict(default_world().cluster["cluster"])
DEMO = ClusterSettings("demo")
FACTS = Cluster(
    name="demo",
    partition="aws",
    region="us-west-2",
    vpc_id="vpc-0a1b2c3d4e5f60718",
    endpoint="0123456789abcdef0123456789abcdef.gr7.us-west-2.eks.amazonaws.com",  # type: ignore[arg-type]
    service_networks=(ip_network("172.20.0.0/16"),),
)
STATED = {"cluster": "demo", "cluster-vpc": "vpc-1", "cluster-endpoint": "10.0.0.10", "service-cidrs": "10.96.0.0/12"}


def test_eks_describes_every_fact() -> None:
    assert described_cluster(DESCRIBED, DEMO) == Seen(FACTS)


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("cluster-vpc", "vpc_id", "vpc-1"),
        ("cluster-endpoint", "endpoint", ip_address("10.0.0.10")),
        ("service-cidrs", "service_networks", (ip_network("10.96.0.0/12"),)),
    ],
)
def test_a_fact_that_is_stated_counts_more(key: str, field: str, value: object) -> None:
    observed = described_cluster(DESCRIBED, parse_settings({"cluster": "demo", key: STATED[key]}).cluster)
    assert isinstance(observed, Seen)
    assert getattr(observed.value, field) == value
    assert observed != Seen(FACTS)


def test_both_families_of_services_are_known() -> None:
    network = {"serviceIpv4Cidr": "172.20.0.0/16", "serviceIpv6Cidr": "fd00:10::/108"}
    observed = described_cluster(DESCRIBED | {"kubernetesNetworkConfig": network}, DEMO)
    assert isinstance(observed, Seen)
    assert observed.value.service_networks == (ip_network("172.20.0.0/16"), ip_network("fd00:10::/108"))


@pytest.mark.parametrize(
    ("arn", "partition", "region", "domain"),
    [
        ("arn:aws:eks:us-east-1:111122223333:cluster/demo", "aws", "us-east-1", "ec2.internal"),
        ("arn:aws-cn:eks:cn-north-1:111122223333:cluster/demo", "aws-cn", "cn-north-1", "cn-north-1.compute.internal"),
        (
            "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/demo",
            "aws-us-gov",
            "us-gov-west-1",
            "us-gov-west-1.compute.internal",
        ),
    ],
)
def test_partition_region_and_domain_come_from_the_arn(arn: str, partition: str, region: str, domain: str) -> None:
    observed = described_cluster(DESCRIBED | {"arn": arn}, DEMO)
    assert isinstance(observed, Seen)
    facts = observed.value
    assert (facts.partition, facts.region, facts.instance_domain) == (partition, region, domain)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param({"arn": None}, "ARN", id="no ARN"),
        pytest.param({"arn": "arn:aws:ec2:us-west-2:111122223333:vpc/x"}, "ARN", id="another ARN"),
        pytest.param({"endpoint": None}, "endpoint", id="no endpoint, as while it is made"),
        pytest.param({"endpoint": "https://"}, "endpoint", id="an endpoint without host"),
        pytest.param({"resourcesVpcConfig": None}, "VPC", id="no VPC configuration"),
        pytest.param({"resourcesVpcConfig": {"vpcId": ""}}, "VPC", id="no VPC"),
        pytest.param({"kubernetesNetworkConfig": None}, "service CIDR", id="no network configuration"),
        pytest.param({"kubernetesNetworkConfig": {}}, "service CIDR", id="no service CIDR"),
        pytest.param(
            {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "serviceIpv6Cidr": "x"}},
            "service CIDR",
            id="one of two service CIDRs that cannot be read",
        ),
    ],
)
def test_a_description_that_lacks_a_fact_is_unavailable(change: dict[str, Any], word: str) -> None:
    observed = described_cluster(DESCRIBED | change, DEMO)
    assert isinstance(observed, Unavailable)
    assert word in observed.detail


def test_a_cluster_that_is_stated_in_full_needs_no_eks() -> None:
    facts = stated_cluster(parse_settings(STATED).cluster, "aws", "us-west-2")
    assert facts == Cluster("demo", "aws", "us-west-2", "vpc-1", ip_address("10.0.0.10"), (ip_network("10.96.0.0/12"),))


@pytest.mark.parametrize("key", ["cluster-vpc", "cluster-endpoint", "service-cidrs"])
def test_a_cluster_that_is_stated_in_part_needs_eks(key: str) -> None:
    values = {name: value for name, value in STATED.items() if name != key}
    assert stated_cluster(parse_settings(values).cluster, "aws", "us-west-2") is None


def test_the_way_to_the_api_server_is_its_url_and_its_ca() -> None:
    url, ca_pem = cluster_access(DESCRIBED)
    assert url == DESCRIBED["endpoint"]
    assert ca_pem == b"-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"endpoint": None}, id="no endpoint"),
        pytest.param({"certificateAuthority": None}, id="no certificate authority"),
        pytest.param({"certificateAuthority": {}}, id="an empty certificate authority"),
        pytest.param({"certificateAuthority": {"data": "not base64!"}}, id="a certificate authority that is no base64"),
    ],
)
def test_without_them_there_is_no_way(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"endpoint and certificate|base64"):
        cluster_access(DESCRIBED | change)
