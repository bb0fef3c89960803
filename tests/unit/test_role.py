"""Role ARNs, session ARNs, and who besides the EC2 service may assume a role."""

from typing import Any

import pytest

from csr_approver.policy.role import Role, RoleSession, parse_role_arn, parse_session_arn, read_trust_policy

ROLE = Role("aws", "111122223333", "NodeRole")
ROLE_ARN = "arn:aws:iam::111122223333:role/NodeRole"
SESSION_ARN = "arn:aws:sts::111122223333:assumed-role/NodeRole/i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        pytest.param(ROLE_ARN, ROLE, id="without path"),
        pytest.param("arn:aws:iam::111122223333:role/eks/nodes/NodeRole", ROLE, id="with a path, which does not count"),
        pytest.param(
            "arn:aws-cn:iam::111122223333:role/NodeRole", Role("aws-cn", "111122223333", "NodeRole"), id="in China"
        ),
        pytest.param(
            "arn:aws-us-gov:iam::111122223333:role/a+b=c,d.e@f_g-h",
            Role("aws-us-gov", "111122223333", "a+b=c,d.e@f_g-h"),
            id="of every character that a name may have",
        ),
    ],
)
def test_a_role_is_known_by_partition_account_and_name(arn: str, role: Role) -> None:
    assert parse_role_arn(arn) == role


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("", id="nothing"),
        pytest.param("NodeRole", id="a name"),
        pytest.param(SESSION_ARN, id="a session"),
        pytest.param("arn:aws:iam::111122223333:user/NodeRole", id="a user"),
        pytest.param("arn:aws:iam::111122223333:instance-profile/NodeRole", id="an instance profile"),
        pytest.param("arn:aws:iam:us-west-2:111122223333:role/NodeRole", id="a region"),
        pytest.param("arn:aws:iam::11112222333:role/NodeRole", id="an account of 11 digits"),
        pytest.param("arn:aws:iam::११११२२२२३३३३:role/NodeRole", id="an account in other digits"),
        pytest.param("arn:gcp:iam::111122223333:role/NodeRole", id="another partition"),
        pytest.param("arn:aws:iam::111122223333:role/", id="no name"),
        pytest.param("arn:aws:iam::111122223333:role/eks/", id="a path without name"),
        pytest.param("arn:aws:iam::111122223333:role/" + "a" * 65, id="a name of 65 characters"),
        pytest.param("arn:aws:iam::111122223333:role/a*", id="a wildcard"),
        pytest.param(ROLE_ARN + "\n", id="a line break at the end"),
        pytest.param(" " + ROLE_ARN, id="a space in front"),
        pytest.param(ROLE_ARN.upper(), id="capitals"),
    ],
)
def test_whatever_else_is_no_role(arn: str) -> None:
    assert parse_role_arn(arn) is None


def test_a_session_names_its_role_and_itself() -> None:
    assert parse_session_arn(SESSION_ARN) == RoleSession(ROLE, "i-0123456789abcdef0")


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param(ROLE_ARN, id="a role"),
        pytest.param("arn:aws:sts::111122223333:assumed-role/NodeRole", id="no session"),
        pytest.param("arn:aws:sts::111122223333:assumed-role/NodeRole/i", id="a session of one character"),
        pytest.param("arn:aws:sts::111122223333:assumed-role/path/NodeRole/i-0123456789abcdef0", id="a path"),
        pytest.param("arn:aws:sts::111122223333:federated-user/NodeRole/i-0123456789abcdef0", id="a federated user"),
        pytest.param(SESSION_ARN + "\n", id="a line break at the end"),
        pytest.param(SESSION_ARN.replace("i-0", "é-0"), id="a letter beyond ASCII"),
    ],
)
def test_whatever_else_is_no_session(arn: str) -> None:
    assert parse_session_arn(arn) is None


def allowing(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **more}


EC2 = allowing({"Service": "ec2.amazonaws.com"})
ROOT = "arn:aws:iam::111122223333:root"


def others(statements: Any, partition: str = "aws") -> str | None:
    return read_trust_policy({"Version": "2012-10-17", "Statement": statements}, partition).others


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([EC2], id="one statement"),
        pytest.param(EC2, id="one statement that is not in a list"),
        pytest.param([allowing({"Service": ["ec2.amazonaws.com"]})], id="a list of one service"),
        pytest.param([EC2, EC2], id="two statements"),
        pytest.param(
            [allowing({"Service": "ec2.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"])], id="two actions"
        ),
        pytest.param([allowing({"Service": "ec2.amazonaws.com"}, Condition={"x": {}})], id="a condition"),
        pytest.param([EC2, allowing("*") | {"Effect": "Deny"}], id="a denial for everybody else"),
        pytest.param([EC2, allowing({"AWS": ROOT}, "sts:TagSession")], id="another who may only tag sessions"),
        pytest.param([EC2, allowing({"AWS": ROOT}, [])], id="another who may do nothing"),
    ],
)
def test_ec2_alone_may_assume(statements: Any) -> None:
    assert others(statements) is None


@pytest.mark.parametrize(
    ("statements", "who"),
    [
        pytest.param([EC2, allowing({"AWS": ROOT})], f"AWS {ROOT}", id="an account"),
        pytest.param([EC2, allowing({"AWS": "*"})], "AWS *", id="any account"),
        pytest.param([EC2, allowing("*")], "Principal *", id="everybody"),
        pytest.param([EC2, allowing(None)], "Principal None", id="a principal of null"),
        pytest.param([EC2, allowing({})], "Principal {}", id="an empty principal"),
        pytest.param([EC2, allowing([])], "Principal []", id="a list for a principal"),
        pytest.param([EC2, allowing({"Federated": "x"})], "Federated x", id="an identity provider"),
        pytest.param(
            [allowing({"Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"]})],
            "Service ssm.amazonaws.com",
            id="another service",
        ),
        pytest.param([allowing({"Service": "ec2.amazonaws.com", "AWS": ROOT})], f"AWS {ROOT}", id="two kinds"),
        pytest.param(
            [EC2, allowing({"AWS": ROOT}, Condition={"Bool": {"x": "true"}})], f"AWS {ROOT}", id="a condition"
        ),
        pytest.param([EC2, allowing({"AWS": ROOT}, "*")], f"AWS {ROOT}", id="any action"),
        pytest.param([EC2, allowing({"AWS": ROOT}, "sts:*")], f"AWS {ROOT}", id="any STS action"),
        pytest.param([EC2, allowing({"AWS": ROOT}, "STS:assume??le")], f"AWS {ROOT}", id="question marks"),
        pytest.param([EC2, allowing({"AWS": ROOT}, ["x", "sts:Assume*"])], f"AWS {ROOT}", id="a wildcard in a list"),
        pytest.param(
            [EC2, {"Effect": "Allow", "Principal": {"AWS": ROOT}, "NotAction": "sts:TagSession"}],
            f"AWS {ROOT}",
            id="all actions but one",
        ),
        pytest.param(
            [EC2, {"Effect": "Allow", "NotPrincipal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}],
            "everybody but a NotPrincipal",
            id="all principals but one",
        ),
        pytest.param([EC2, allowing({"AWS": ROOT}) | {"Effect": "allow"}], f"AWS {ROOT}", id="an effect in lower case"),
        pytest.param([EC2, "x"], "an unreadable statement", id="a statement that is a string"),
        pytest.param([], "not even the EC2 service", id="no statement"),
        pytest.param(None, "an unreadable statement", id="no list of statements"),
        pytest.param([EC2 | {"Effect": "Deny"}], "not even the EC2 service", id="a denial for EC2"),
        pytest.param(
            [allowing({"Service": "ec2.amazonaws.com.evil.example"})],
            "Service ec2.amazonaws.com.evil.example",
            id="a service that starts like EC2",
        ),
    ],
)
def test_somebody_else_may_assume(statements: Any, who: str) -> None:
    assert others(statements) == who


@pytest.mark.parametrize(("partition", "other"), [("aws-cn", None), ("aws", "Service ec2.amazonaws.com.cn")])
def test_ec2_has_a_second_name_in_china_only(partition: str, other: str | None) -> None:
    assert others([allowing({"Service": "ec2.amazonaws.com.cn"})], partition) == other
