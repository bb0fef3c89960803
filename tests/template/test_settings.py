"""A setting has one name in three spellings: the parameter, the variable and what csr_approver.settings parses."""

import ast
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from csr_approver import settings as package
from csr_approver.environment import SettingsError, environment_settings
from csr_approver.policy.settings import InstanceBinding, Interfaces, Mode, RoleCheck
from csr_approver.settings import ENVIRONMENT_PREFIX, ClusterSettings, Settings, parse_settings
from csr_approver_local.system import System
from tests.support.cloudformation import resolved, resources, template
from tests.support.worlds import default_world

ROOT = Path(__file__).parents[2]
PARAMETERS: Mapping[str, Mapping[str, Any]] = template()["Parameters"]
ROLE = "arn:aws:iam::111122223333:role/nodes/NodeRole"

ENUMS: Mapping[str, type[StrEnum]] = {
    "mode": Mode,
    "instance-binding": InstanceBinding,
    "role-check": RoleCheck,
    "interfaces": Interfaces,
}
SWITCHES = {
    "deny": ["true", "false"],
    "cluster-membership": ["require", "off"],
    "dns-check": ["require", "off"],
    "public-addresses": ["allow", "refuse"],
}
# What a function reads, and no stack sets: a cluster that is reached by a kubeconfig needs the file in the function.
UNSET = {"KUBECONFIG"}


def parameter(key: str) -> str:
    return "".join(part.capitalize() for part in key.split("-"))


def variables(function: str) -> Mapping[str, Any]:
    own: Mapping[str, Any] = resources("AWS::Serverless::Function")[function]["Environment"]["Variables"]
    return own


def as_deployed(**parameters: str) -> Settings:
    """What the approver reads in a stack with these parameters."""
    values = {name: str(each.get("Default", "")) for name, each in PARAMETERS.items()} | parameters
    environment = {
        name: values[value["Ref"]]
        for name, value in variables("ApproverFunction").items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return parse_settings(environment_settings(environment, ENVIRONMENT_PREFIX))


@pytest.mark.parametrize("key", package._PARSERS)
def test_a_setting_has_a_parameter_and_a_variable(key: str) -> None:
    variable = f"{ENVIRONMENT_PREFIX}{key.upper().replace('-', '_')}"
    assert variables("ApproverFunction")[variable] == {"Ref": parameter(key)}
    assert PARAMETERS[parameter(key)]["Description"]


def test_there_are_no_other_variables_of_settings() -> None:
    found = {name for name in variables("ApproverFunction") if name.startswith(ENVIRONMENT_PREFIX)}
    assert len(found) == len(package._PARSERS)


def test_the_defaults_are_those_of_the_package() -> None:
    assert as_deployed(Cluster="demo") == Settings(ClusterSettings("demo"))
    assert [name for name, each in PARAMETERS.items() if "Default" not in each] == ["Cluster"]


@pytest.mark.parametrize("key", ENUMS)
def test_the_values_of_a_choice_are_those_of_the_package(key: str) -> None:
    assert PARAMETERS[parameter(key)]["AllowedValues"] == list(ENUMS[key])


@pytest.mark.parametrize("key", SWITCHES)
def test_the_values_of_a_switch_are_those_of_the_package(key: str) -> None:
    assert PARAMETERS[parameter(key)]["AllowedValues"] == SWITCHES[key]
    assert len({as_deployed(Cluster="demo", **{parameter(key): value}) for value in SWITCHES[key]}) == 2


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("Cluster", "demo", True),
        ("Cluster", "demo/other", False),
        ("ClusterVpc", "vpc-0a1b2c3d4e5f60718", True),
        ("ClusterVpc", "subnet-0a1b2c3d4e5f60718", False),
        ("ClusterEndpoint", "https://ABC123.gr7.eu-west-1.eks.amazonaws.com", True),
        ("ClusterEndpoint", "https://[2001:db8::1]:6443/", True),
        ("ServiceCidrs", "10.100.0.0/16, fd00:ec2::/108", True),
        ("ServiceCidrs", "ten", False),
        ("NodeRoles", ROLE, True),
        ("NodeRoles", f"{ROLE}, {ROLE}-2", True),
        ("NodeRoles", "NodeRole", False),
        ("CustomDomains", "corp.example, nodes.example", True),
        ("CustomDomains", "*.corp.example", False),
        ("DnsServers", "10.0.0.2, [2001:db8::2]:5353", True),
        ("DnsServers", "resolver.example", False),
        ("SubnetIds", "subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d", True),
        ("SubnetIds", "subnet-0a1b2c3d, subnet-0a1b2c3e", False),
    ],
)
def test_a_pattern_lets_in_what_the_package_takes(name: str, value: str, allowed: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)) is allowed
    if allowed:
        as_deployed(**{"Cluster": "demo", name: value})
    elif name not in {"Cluster", "ClusterVpc", "SubnetIds"}:  # of these the package takes any text, or knows nothing
        with pytest.raises(SettingsError):
            as_deployed(**{"Cluster": "demo", name: value})


@pytest.mark.parametrize(
    ("key", "bounds"), [("max-expiration-seconds", ["MinValue"]), ("dns-timeout-seconds", ["MinValue", "MaxValue"])]
)
def test_a_bound_is_one_that_the_package_takes(key: str, bounds: list[str]) -> None:
    for bound in bounds:
        as_deployed(Cluster="demo", **{parameter(key): str(PARAMETERS[parameter(key)][bound])})
    beyond = {"MinValue": -0.1, "MaxValue": 0.1}
    for bound in bounds:
        value = PARAMETERS[parameter(key)][bound] + beyond[bound]
        with pytest.raises(SettingsError):
            as_deployed(Cluster="demo", **{parameter(key): str(value)})


def test_every_parameter_is_in_one_group() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)


# Variables.


@pytest.mark.parametrize(
    ("function", "folder"), [("ApproverFunction", "approver"), ("DenialRecorderFunction", "denial_recorder")]
)
def test_every_variable_that_a_function_reads_is_set(function: str, folder: str) -> None:
    read = {
        node.args[-1].value if isinstance(node.args[-1], ast.Constant) else None
        for node in ast.walk(ast.parse((ROOT / "functions" / folder / "app.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"required_variable", "os.environ.get"}
    }
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert read - UNSET <= {*variables(function), *shared}
    own = {name for name in variables(function) if not name.startswith((ENVIRONMENT_PREFIX, "AWS_ENDPOINT_URL_"))}
    assert own <= read


def test_samples_are_played_in_the_environment_of_the_template() -> None:
    with System(default_world()) as system:
        local = {name: value for name, value in system._environment.items() if not name.startswith("AWS_")}
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    deployed = {**shared, **variables("ApproverFunction"), **variables("DenialRecorderFunction")}
    assert set(local) <= set(deployed)
    assert {name: local[name] for name in shared} == shared
    unset = {name for name in deployed if not name.startswith((ENVIRONMENT_PREFIX, "AWS_ENDPOINT_URL_"))} - set(local)
    assert not unset


def test_endpoints_are_asked_by_the_names_of_their_own() -> None:
    """Private DNS would lead the nodes of the VPC there too, whom the endpoints' security group does not let in."""
    endpoints = resources("AWS::EC2::VPCEndpoint")
    assert all(each["PrivateDnsEnabled"] is False for each in endpoints.values())
    for name, each in endpoints.items():
        service = str(resolved(each["ServiceName"])).rpartition(".")[2]
        value = resolved(variables("ApproverFunction")[f"AWS_ENDPOINT_URL_{service.upper()}"])
        assert value.startswith("https://")
        assert name in value
