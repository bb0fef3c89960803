"""Each setting: what it may say, and the error that names it when it says anything else."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from csr_approver.environment import SettingsError, environment_settings
from csr_approver.policy.names import DnsName
from csr_approver.policy.role import Role
from csr_approver.policy.settings import InstanceBinding, Interfaces, Mode, PolicySettings, RoleCheck
from csr_approver.settings import (
    ENVIRONMENT_PREFIX,
    ClusterSettings,
    Settings,
    parse_settings,
    required_variable,
)

NODE_ROLE = "arn:aws:iam::111122223333:role/NodeRole"
ROLES = frozenset({Role("aws", "111122223333", "NodeRole")})


def parse(**values: str) -> Settings:
    return parse_settings({"cluster": "demo"} | {key.replace("_", "-"): value for key, value in values.items()})


def test_only_the_cluster_must_be_given() -> None:
    assert parse() == Settings(ClusterSettings("demo"), PolicySettings())


def row(key: str, value: str, field: str, parsed: object) -> Any:
    """The setting as an operator writes it is the name of the row."""
    return pytest.param(key, value, field, parsed, id=f"{key.replace('_', '-')}={value}")


@pytest.mark.parametrize(
    ("key", "value", "field", "parsed"),
    [
        row("mode", "enforce", "mode", Mode.ENFORCE),
        row("mode", "observe", "mode", Mode.OBSERVE),
        row("instance_binding", "require", "instance_binding", InstanceBinding.REQUIRE),
        row("instance_binding", "prefer", "instance_binding", InstanceBinding.PREFER),
        row("node_roles", NODE_ROLE, "node_roles", ROLES),
        row("node_roles", f" {NODE_ROLE} ,, {NODE_ROLE},", "node_roles", ROLES),
        row("node_roles", "", "node_roles", frozenset()),
        row("role_check", "require", "role_check", RoleCheck.REQUIRE),
        row("role_check", "profile", "role_check", RoleCheck.PROFILE),
        row("cluster_membership", "require", "cluster_membership", True),
        row("cluster_membership", "off", "cluster_membership", False),
        row("dns_check", "require", "dns_check", True),
        row("dns_check", "off", "dns_check", False),
        row("custom_domains", "corp.example", "custom_domains", frozenset({"corp.example"})),
        row("custom_domains", "Corp.Example., b.example", "custom_domains", frozenset({"corp.example", "b.example"})),
        row("public_addresses", "allow", "public_addresses", True),
        row("public_addresses", "refuse", "public_addresses", False),
        row("interfaces", "primary", "interfaces", Interfaces.PRIMARY),
        row("interfaces", "all", "interfaces", Interfaces.ALL),
        row("max_expiration_seconds", "600", "max_expiration_seconds", 600),
        row("max_expiration_seconds", "31622400", "max_expiration_seconds", 31_622_400),
    ],
)
def test_a_setting_of_the_policy(key: str, value: str, field: str, parsed: object) -> None:
    assert getattr(parse(**{key: value}).policy, field) == parsed


@pytest.mark.parametrize(
    ("key", "value", "field", "parsed"),
    [
        row("deny", "true", "deny", True),
        row("deny", "false", "deny", False),
        row("dns_servers", "10.0.0.2", "dns_servers", ("10.0.0.2",)),
        row(
            "dns_servers",
            "10.0.0.2:5353, fd00::2,[fd00::2]:5353",
            "dns_servers",
            ("10.0.0.2:5353", "fd00::2", "[fd00::2]:5353"),
        ),
        row("dns_timeout_seconds", "0.5", "dns_timeout_seconds", 0.5),
        row("dns_timeout_seconds", "10", "dns_timeout_seconds", 10),
    ],
)
def test_a_setting_of_the_function(key: str, value: str, field: str, parsed: object) -> None:
    assert getattr(parse(**{key: value}), field) == parsed


@pytest.mark.parametrize(
    ("key", "value", "field", "parsed"),
    [
        row("cluster", "demo", "name", "demo"),
        row("cluster_vpc", "vpc-0a1b", "vpc_id", "vpc-0a1b"),
        row(
            "cluster_endpoint",
            "https://ABC.gr7.us-west-2.eks.amazonaws.com",
            "endpoint",
            "abc.gr7.us-west-2.eks.amazonaws.com",
        ),
        row("cluster_endpoint", "api.example:6443", "endpoint", "api.example"),
        row("cluster_endpoint", "https://10.0.0.10:6443/", "endpoint", ip_address("10.0.0.10")),
        row("cluster_endpoint", "https://[2600::1]:6443", "endpoint", ip_address("2600::1")),
        row("cluster_endpoint", "2600::1", "endpoint", ip_address("2600::1")),
        row("service_cidrs", "172.20.0.0/16", "service_networks", (ip_network("172.20.0.0/16"),)),
        row(
            "service_cidrs",
            "172.20.0.0/16,fd00:10::/108",
            "service_networks",
            (ip_network("172.20.0.0/16"), ip_network("fd00:10::/108")),
        ),
    ],
)
def test_a_setting_of_the_cluster(key: str, value: str, field: str, parsed: object) -> None:
    assert getattr(parse(**{key: value}).cluster, field) == parsed


def test_role_check_off_goes_with_node_roles() -> None:
    policy = parse(role_check="off", node_roles=NODE_ROLE).policy
    assert (policy.role_check, policy.node_roles) == (RoleCheck.OFF, ROLES)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"dns_chek": "off"}, ["dns-chek", "dns-check"], id="an unknown key"),
        pytest.param({"Mode": "observe"}, ["Mode"], id="a key in capitals"),
        pytest.param({"mode": "audit"}, ["mode", "audit", "enforce, observe"], id="mode"),
        pytest.param({"mode": "Observe"}, ["mode", "Observe"], id="mode in capitals"),
        pytest.param({"deny": "yes"}, ["deny", "yes", "true or false"], id="deny"),
        pytest.param({"instance_binding": "off"}, ["instance-binding", "require, prefer"], id="instance-binding"),
        pytest.param({"node_roles": "NodeRole"}, ["node-roles", "NodeRole", "arn:aws:iam"], id="node-roles by name"),
        pytest.param({"node_roles": f"{NODE_ROLE},x"}, ["node-roles", "x"], id="one of two node-roles"),
        pytest.param({"role_check": "trust"}, ["role-check", "require, profile, off"], id="role-check"),
        pytest.param({"role_check": "off"}, ["role-check=off", "node-roles"], id="role-check=off without node-roles"),
        pytest.param(
            {"cluster_membership": "false"}, ["cluster-membership", "require or off"], id="cluster-membership"
        ),
        pytest.param({"dns_check": ""}, ["dns-check", "require or off"], id="an empty dns-check"),
        pytest.param(
            {"custom_domains": "*.corp.example"}, ["custom-domains", "*.corp.example"], id="a wildcard domain"
        ),
        pytest.param({"custom_domains": "10.0.0.1"}, ["custom-domains", "10.0.0.1"], id="an address for a domain"),
        pytest.param(
            {"custom_domains": "corp.example", "dns_check": "off"},
            ["custom-domains", "dns-check"],
            id="custom-domains without DNS",
        ),
        *(
            pytest.param({"custom_domains": domain}, ["custom-domains", domain], id=f"the reserved domain {domain}")
            for domain in (
                "cluster.local",
                "svc",
                "x.svc",
                "pod.cluster.local",
                "kubernetes",
                "kubernetes.example",
                "localhost",
                "us-west-2.eks.amazonaws.com",
                "eks.amazonaws.com.cn",
                "eks.us-west-2.api.aws",
            )
        ),
        pytest.param({"public_addresses": "deny"}, ["public-addresses", "allow or refuse"], id="public-addresses"),
        pytest.param({"interfaces": "secondary"}, ["interfaces", "primary, all"], id="interfaces"),
        *(
            pytest.param(
                {"max_expiration_seconds": value}, ["max-expiration-seconds", value], id=f"a maximum of {value!r}"
            )
            for value in ("599", "0", "-600", "1e6", "86400.0", "٦٠٠", "1 day", "")
        ),
        pytest.param({"dns_servers": "dns.example"}, ["dns-servers", "dns.example"], id="a DNS server by name"),
        pytest.param({"dns_servers": "10.0.0.2:0"}, ["dns-servers", "10.0.0.2:0"], id="a DNS server on port 0"),
        pytest.param({"dns_servers": "10.0.0.2:٥٣"}, ["dns-servers"], id="a port in other digits"),
        pytest.param({"dns_servers": "[fd00::1]"}, ["dns-servers"], id="brackets without port"),
        *(
            pytest.param({"dns_timeout_seconds": value}, ["dns-timeout-seconds", value], id=f"a timeout of {value!r}")
            for value in ("0", "-1", "10.1", "nan", "inf", "2s", "")
        ),
        pytest.param({"cluster": ""}, ["cluster", "empty"], id="an empty cluster"),
        pytest.param({"cluster_vpc": " "}, ["cluster-vpc", "empty"], id="a blank cluster-vpc"),
        pytest.param({"cluster_endpoint": "https://"}, ["cluster-endpoint"], id="an endpoint without host"),
        pytest.param({"cluster_endpoint": "a_b"}, ["cluster-endpoint", "a_b"], id="an endpoint that is no host"),
        pytest.param({"service_cidrs": ""}, ["service-cidrs"], id="no service CIDR"),
        pytest.param(
            {"service_cidrs": "172.20.0.1/16"}, ["service-cidrs", "172.20.0.1/16"], id="a CIDR with host bits"
        ),
    ],
)
def test_anything_else_is_an_error_that_names_it(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(**values)
    (line,) = str(raised.value).splitlines()
    for word in words:
        assert word in line


def test_the_cluster_is_missed_by_name() -> None:
    with pytest.raises(SettingsError, match="'cluster' is missing"):
        parse_settings({})


def test_the_environment_spells_a_setting_in_capitals() -> None:
    environment = {
        "CSR_APPROVER_CLUSTER": "demo",
        "CSR_APPROVER_DNS_CHECK": "off",
        "CSR_APPROVER_MAX_EXPIRATION_SECONDS": "86400",
        "CSR_APPROVER_NODE_ROLES": "",
        "AWS_REGION": "us-west-2",
    }
    values = environment_settings(environment, ENVIRONMENT_PREFIX)
    assert values == {"cluster": "demo", "dns-check": "off", "max-expiration-seconds": "86400"}
    assert parse_settings(values).policy == PolicySettings(dns_check=False, max_expiration_seconds=86400)


def test_a_misspelt_variable_is_an_error() -> None:
    with pytest.raises(SettingsError, match="dns-chek"):
        parse_settings(
            environment_settings({"CSR_APPROVER_CLUSTER": "demo", "CSR_APPROVER_DNS_CHEK": "off"}, ENVIRONMENT_PREFIX)
        )


def test_a_variable_that_the_template_sets_is_missed_by_name() -> None:
    assert required_variable({"CSR_QUEUE_URL": "https://x"}, "CSR_QUEUE_URL") == "https://x"
    with pytest.raises(SettingsError, match="CSR_QUEUE_URL"):
        required_variable({"CSR_QUEUE_URL": ""}, "CSR_QUEUE_URL")


def test_a_domain_is_compared_as_a_canonical_name() -> None:
    assert parse(custom_domains="CORP.example.").policy.custom_domains == {DnsName("corp.example")}
