"""Parameters that contradict each other are refused before anything is made, each by the rule that says why."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.cloudformation import template

ROLE = "arn:aws:iam::111122223333:role/NodeRole"
VPC, SUBNETS, GROUP = "vpc-0a1b2c3d", "subnet-0a1b2c3d,subnet-0a1b2c3e", "sg-0a1b2c3d"
IN_VPC = {"VpcId": VPC, "SubnetIds": SUBNETS}
STATED = {"ClusterVpc": VPC, "ClusterEndpoint": "api.example.com", "ServiceCidrs": "10.96.0.0/12"}


def true(expression: Any, values: Mapping[str, str]) -> bool:
    """The functions that rules may have (CloudFormation User Guide, "Rule functions"), as far as they are used."""
    ((function, argument),) = expression.items()
    match function:
        case "Fn::Not":
            return not true(argument[0], values)
        case "Fn::And":
            return all(true(each, values) for each in argument)
        case "Fn::Or":
            return any(true(each, values) for each in argument)
        case "Fn::Equals":
            first, second = (value(each, values) for each in argument)
            return bool(first == second)
        case "Fn::Contains":
            return value(argument[1], values) in argument[0]
        case _:
            raise ValueError(f"{function} is no rule function")


def value(term: Any, values: Mapping[str, str]) -> Any:
    return values[term["Ref"]] if isinstance(term, dict) else term


def refusals(**parameters: str) -> list[str]:
    """What CloudFormation answers; nothing if the parameters go together."""
    values = {name: str(each.get("Default", "")) for name, each in template()["Parameters"].items()} | parameters
    return [
        assertion["AssertDescription"]
        for rule in template()["Rules"].values()
        if true(rule["RuleCondition"], values)
        for assertion in rule["Assertions"]
        if not true(assertion["Assert"], values)
    ]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="the defaults"),
        pytest.param({"BatchSize": "100", "BatchWindowSeconds": "1"}, id="a large batch with a window"),
        pytest.param({**IN_VPC, "CustomDomains": "corp.example"}, id="custom domains in the VPC"),
        pytest.param({"RoleCheck": "off", "NodeRoles": ROLE}, id="no role check, but named roles"),
        pytest.param(STATED, id="a cluster stated in full"),
        pytest.param({**IN_VPC, "ClusterSecurityGroupId": GROUP, "CreateEndpoints": "true"}, id="a private cluster"),
    ],
)
def test_it_can_be_deployed_with(parameters: Mapping[str, str]) -> None:
    assert not refusals(**parameters)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        pytest.param({"BatchSize": "25"}, "BatchWindowSeconds", id="a large batch without a window"),
        pytest.param({"BatchWindowSeconds": "1"}, "BatchSize", id="a window that a small batch does not need"),
        pytest.param({"CustomDomains": "corp.example"}, "SubnetIds", id="custom domains outside the VPC"),
        pytest.param(
            {**IN_VPC, "CustomDomains": "corp.example", "DnsCheck": "off"}, "DnsCheck", id="custom domains without DNS"
        ),
        pytest.param({"RoleCheck": "off"}, "NodeRoles", id="any role, unchecked"),
        *(pytest.param({**STATED, name: ""}, "ClusterVpc", id=f"a cluster stated without {name}") for name in STATED),
        pytest.param({"SubnetIds": SUBNETS}, "VpcId", id="subnets without their VPC"),
        pytest.param({"VpcId": VPC}, "SubnetIds", id="a VPC without subnets"),
        pytest.param({"ClusterSecurityGroupId": GROUP}, "SubnetIds", id="a way into the cluster from nowhere"),
        pytest.param({"CreateEndpoints": "true"}, "SubnetIds", id="endpoints in no subnet"),
    ],
)
def test_it_is_refused(parameters: Mapping[str, str], named: str) -> None:
    (refusal,) = refusals(**parameters)
    assert named in refusal


def test_a_batch_of_any_size_is_one_of_a_rule() -> None:
    small = template()["Rules"]["SmallBatchesNeedNoWindow"]["RuleCondition"]["Fn::Contains"][0]
    sizes = template()["Parameters"]["BatchSize"]["AllowedValues"]
    assert [str(size) for size in sizes if size <= 10] == small
    assert template()["Rules"]["LargeBatchesNeedAWindow"]["RuleCondition"]["Fn::Not"][0]["Fn::Contains"][0] == small
