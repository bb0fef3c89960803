"""Who may do what in AWS: whole statements are compared, as CloudFormation gets them, so that nothing can hide in one.

What SAM adds by itself is in the translated template too: a role that it made would attach managed policies with `*`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.cloudformation import resolved
from tests.support.translated import translated, translated_resources

Statement = dict[str, Any]

ARN = "arn:${AWS::Partition}"
ACCOUNT = "${AWS::AccountId}"
CLUSTER_ARN = f"{ARN}:eks:${{AWS::Region}}:{ACCOUNT}:cluster/${{Cluster}}"
PROFILES, ROLES = f"{ARN}:iam::{ACCOUNT}:instance-profile/*", f"{ARN}:iam::{ACCOUNT}:role/*"
ONLY_LAMBDA_ITSELF = {"Null": {"lambda:SourceFunctionArn": "true"}}
ONLY_THE_APPROVER = {"ArnEquals": {"aws:PrincipalArn": "${ApproverRole.Arn}"}}
WRITE_LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]
NETWORK = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]

# What an allowed action may do, and to what. An If is read as the branch that is taken when its condition holds: as
# much as a role can ever have.
ROLE_STATEMENTS: Mapping[str, list[tuple[list[str], str, Statement]]] = {
    "ApproverRole": [
        (["ec2:DescribeInstances"], "*", {"StringEquals": {"aws:RequestedRegion": "${AWS::Region}"}}),
        (["iam:GetInstanceProfile"], PROFILES, {}),
        (["iam:GetRole"], ROLES, {}),
        (["eks:DescribeCluster"], CLUSTER_ARN, {}),
        (
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
            "${CsrQueue.Arn}",
            {},
        ),
        (["sqs:SendMessage"], "${DenialQueue.Arn}", {}),
        (WRITE_LOG, "${ApproverLogGroup.Arn}", {}),
        (NETWORK, "*", ONLY_LAMBDA_ITSELF),
    ],
    "DenialRecorderRole": [
        (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "${DenialQueue.Arn}", {}),
        (WRITE_LOG, "${DenialLogGroup.Arn}", {}),
        (WRITE_LOG, "${DenialRecorderLogGroup.Arn}", {}),
    ],
    "WatcherRole": [(["sqs:SendMessage"], "${CsrQueue.Arn}", {})],
}
TRUSTED = {
    "ApproverRole": ("lambda.amazonaws.com", "sts:AssumeRole", {}),
    "DenialRecorderRole": ("lambda.amazonaws.com", "sts:AssumeRole", {}),
    "WatcherRole": (
        "pods.eks.amazonaws.com",
        ["sts:AssumeRole", "sts:TagSession"],
        {
            "StringEquals": {
                "aws:SourceAccount": ACCOUNT,
                "aws:RequestTag/eks-cluster-name": "${Cluster}",
                "aws:RequestTag/kubernetes-namespace": "csr-approver",
                "aws:RequestTag/kubernetes-service-account": "csr-watcher",
            }
        },
    ),
}
CONDITIONAL_STATEMENTS = {
    "ReadProfiles": "ReadsProfiles",
    "ReadTrustPolicies": "ReadsTrustPolicies",
    "LetLambdaConnectItToTheVpc": "InVpc",
}

QUEUES = ("CsrQueue", "CsrDeadLetterQueue", "DenialQueue", "DenialDeadLetterQueue")
SENDERS = {
    "CsrQueue": [["MakesWatcherRole", "${WatcherRole.Arn}", "${WatcherRoleArn}"], "RedriveRoleArn"],
    "DenialQueue": ["${ApproverRole.Arn}", "RedriveRoleArn"],
}
# Each endpoint lets one role make the calls that the approver's code makes, and no other.
ENDPOINT_STATEMENTS: Mapping[str, list[tuple[list[str], list[str]]]] = {
    "Ec2Endpoint": [(["ec2:DescribeInstances"], ["*"])],
    "EksEndpoint": [(["eks:DescribeCluster"], [CLUSTER_ARN])],
    "SqsEndpoint": [
        (["sqs:ChangeMessageVisibility"], ["${CsrQueue.Arn}"]),
        (["sqs:SendMessage"], ["${DenialQueue.Arn}"]),
    ],
    "IamEndpoint": [(["iam:GetInstanceProfile", "iam:GetRole"], [PROFILES, ROLES])],
}

# Every `*` in an Action or a Resource of the whole template, with the reason why it may be there.
WILDCARDS: Mapping[tuple[str, str | None, str], str] = {
    ("ApproverRole", "ReadInstances", "*"): "EC2 knows no narrower resource for DescribeInstances",
    ("ApproverRole", "ReadProfiles", PROFILES): "which profile a node has is only known from its instance",
    ("ApproverRole", "ReadTrustPolicies", ROLES): "which role a node has is only known from its profile",
    ("ApproverRole", "LetLambdaConnectItToTheVpc", "*"): "Lambda asks for it so, and function code is shut out",
    ("Ec2Endpoint", None, "*"): "as in the role",
    ("IamEndpoint", None, PROFILES): "as in the role",
    ("IamEndpoint", None, ROLES): "as in the role",
    **{(f"{queue}Policy", "OnlyEncrypted", "sqs:*"): "denies everything over plain HTTP" for queue in QUEUES},
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def documents(properties: Any) -> Iterator[Mapping[str, Any]]:
    """Every policy document, wherever it is."""
    if isinstance(properties, dict):
        if "Statement" in properties:
            yield properties
        for inner in properties.values():
            yield from documents(inner)
    elif isinstance(properties, list):
        for inner in properties:
            yield from documents(inner)


def statements() -> Iterator[tuple[str, Statement]]:
    """Every statement of the translated template, of both branches of an If, with the logical id of its resource."""
    for name, resource in translated()["Resources"].items():
        for document in documents(resource.get("Properties", {})):
            for each in document["Statement"]:
                branches = each["Fn::If"][1:] if "Fn::If" in each else [each]
                for statement in branches:
                    assert "Fn::If" not in json.dumps([statement.get("Action"), statement.get("Resource")])
                    if statement != {"Ref": "AWS::NoValue"}:
                        yield name, resolved(statement)


def read(statement: Statement) -> tuple[list[str], Any, Statement]:
    """A statement as it is written above; it has nothing else."""
    assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    assert statement["Effect"] == "Allow"
    return listed(statement["Action"]), statement["Resource"], statement.get("Condition", {})


# Roles.


def test_sam_makes_no_role() -> None:
    assert set(translated_resources("AWS::IAM::Role")) == set(ROLE_STATEMENTS)


def test_no_policy_is_beside_the_roles() -> None:
    kinds = {resource["Type"] for resource in translated()["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("AWS::IAM::")} - {"AWS::IAM::Role"}
    assert "AWS::Lambda::Permission" not in kinds


def test_no_managed_policy_is_attached() -> None:
    assert "ManagedPolicyArns" not in json.dumps(translated())
    assert ":iam::aws:policy" not in json.dumps(translated())


@pytest.mark.parametrize("role", ROLE_STATEMENTS)
def test_a_role_may_do_exactly(role: str) -> None:
    policies = resolved(translated_resources("AWS::IAM::Role")[role])["Policies"]
    found = [read(statement) for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    assert found == ROLE_STATEMENTS[role]


@pytest.mark.parametrize("role", TRUSTED)
def test_a_role_is_assumed_by_one_service_alone(role: str) -> None:
    properties = resolved(translated_resources("AWS::IAM::Role")[role])
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    service, action, condition = TRUSTED[role]
    assert statement["Principal"] == {"Service": service}
    assert statement["Action"] == action
    assert statement.get("Condition", {}) == condition


def test_what_the_approver_does_not_need_it_may_not_do() -> None:
    (policy,) = translated_resources("AWS::IAM::Role")["ApproverRole"]["Policies"]
    branches = [each["Fn::If"] for each in policy["PolicyDocument"]["Statement"] if "Fn::If" in each]
    assert {then["Sid"]: condition for condition, then, _ in branches} == CONDITIONAL_STATEMENTS
    assert [other for _, _, other in branches] == [{"Ref": "AWS::NoValue"}] * len(branches)


@pytest.mark.parametrize(
    ("function", "role"), [("ApproverFunction", "ApproverRole"), ("DenialRecorderFunction", "DenialRecorderRole")]
)
def test_a_function_has_its_role(function: str, role: str) -> None:
    properties = resolved(translated_resources("AWS::Lambda::Function")[function])
    assert properties["Role"] == f"${{{role}.Arn}}"


# Queues.


def test_every_queue_has_one_policy() -> None:
    found = [resolved(policy["Queues"]) for policy in translated_resources("AWS::SQS::QueuePolicy").values()]
    assert sorted(found) == sorted([f"${{{queue}}}"] for queue in QUEUES)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_takes_nothing_over_plain_http(queue: str) -> None:
    first = resolved(translated_resources("AWS::SQS::QueuePolicy")[f"{queue}Policy"])["PolicyDocument"]["Statement"][0]
    assert first == {
        "Sid": "OnlyEncrypted",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": f"${{{queue}.Arn}}",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("queue", SENDERS)
def test_only_one_role_sends_and_who_moves_dead_letters_back(queue: str) -> None:
    statement = translated_resources("AWS::SQS::QueuePolicy")[f"{queue}Policy"]["PolicyDocument"]["Statement"][1]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:SendMessage")
    assert resolved(statement["Resource"]) == f"${{{queue}.Arn}}"
    (operator,) = statement["Condition"]
    assert operator == "ArnNotEquals"
    sender, redrive = statement["Condition"][operator]["aws:PrincipalArn"]
    assert redrive == {"Fn::If": ["HasRedriveRole", {"Ref": "RedriveRoleArn"}, {"Ref": "AWS::NoValue"}]}
    assert [resolved(sender.get("Fn::If", sender)), "RedriveRoleArn"] == SENDERS[queue]


def test_a_watcher_whose_role_is_not_made_here_is_let_in_by_name() -> None:
    *_, last = translated_resources("AWS::SQS::QueuePolicy")["CsrQueuePolicy"]["PolicyDocument"]["Statement"]
    condition, then, otherwise = last["Fn::If"]
    assert (condition, then) == ("MakesWatcherRole", {"Ref": "AWS::NoValue"})
    assert resolved(otherwise) == {
        "Sid": "TheWatcherSends",
        "Effect": "Allow",
        "Principal": {"AWS": "${WatcherRoleArn}"},
        "Action": "sqs:SendMessage",
        "Resource": "${CsrQueue.Arn}",
    }


def test_no_queue_policy_says_more() -> None:
    numbers = {
        name: len(policy["PolicyDocument"]["Statement"])
        for name, policy in translated_resources("AWS::SQS::QueuePolicy").items()
    }
    assert numbers == {
        "CsrQueuePolicy": 3,
        "CsrDeadLetterQueuePolicy": 1,
        "DenialQueuePolicy": 2,
        "DenialDeadLetterQueuePolicy": 1,
    }


# Endpoints.


@pytest.mark.parametrize("endpoint", ENDPOINT_STATEMENTS)
def test_an_endpoint_passes_exactly(endpoint: str) -> None:
    properties = resolved(translated_resources("AWS::EC2::VPCEndpoint")[endpoint])
    found = properties["PolicyDocument"]["Statement"]
    assert [(listed(each["Action"]), listed(each["Resource"])) for each in found] == ENDPOINT_STATEMENTS[endpoint]
    assert all(each["Principal"] == "*" and each["Condition"] == ONLY_THE_APPROVER for each in found)


def test_there_are_no_other_endpoints() -> None:
    assert set(translated_resources("AWS::EC2::VPCEndpoint")) == set(ENDPOINT_STATEMENTS)


# Everywhere.


def test_every_wildcard_is_justified() -> None:
    found = {
        (name, statement.get("Sid"), text)
        for name, statement in statements()
        for key in ("Action", "Resource")
        for text in listed(statement.get(key, []))
        if "*" in text or "?" in text
    }
    assert found == set(WILDCARDS)


def test_nothing_is_allowed_by_what_it_is_not() -> None:
    assert not [
        name for name, statement in statements() if {"NotAction", "NotResource", "NotPrincipal"} & set(statement)
    ]


def test_nobody_is_allowed_by_a_principal_of_everybody_alone() -> None:
    """A Deny may name everybody, and so may an endpoint with a condition on the role."""
    open_to_all = [
        name
        for name, statement in statements()
        if statement["Effect"] == "Allow" and "*" in listed(statement.get("Principal", []))
        if statement.get("Condition") != ONLY_THE_APPROVER
    ]
    assert not open_to_all
