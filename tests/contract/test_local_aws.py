"""The local AWS over the wire: account and region, faults, IAM, EKS, and one account after another."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from csr_approver_local.aws import LocalAws
from csr_approver_local.lambda_runtime import process_environment

ROLE = {
    "Path": "/eks/nodes/",
    "RoleName": "node",
    "RoleId": "AROAEXAMPLENODEROLE00",
    "Arn": "arn:aws:iam::111122223333:role/eks/nodes/node",
    "CreateDate": "2026-01-02T03:04:05+00:00",
    "AssumeRolePolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    },
    "MaxSessionDuration": 3600,
}
PROFILE = {
    "Path": "/eks/",
    "InstanceProfileName": "node-profile",
    "InstanceProfileId": "AIPAEXAMPLEPROFILE000",
    "Arn": "arn:aws:iam::111122223333:instance-profile/eks/node-profile",
    "CreateDate": "2026-01-02T03:04:05+00:00",
    "Roles": [{name: value for name, value in ROLE.items() if name != "MaxSessionDuration"}],
}
CLUSTER = {
    "cluster": {
        "name": "blue",
        "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/blue",
        "createdAt": "2026-01-02T03:04:05.678000+00:00",
        "version": "1.36",
        "endpoint": "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com",
        "resourcesVpcConfig": {"vpcId": "vpc-0a0b0c0d0e0f00001", "subnetIds": ["subnet-1"]},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "certificateAuthority": {"data": "UEVN"},
        "status": "ACTIVE",
    }
}


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Code"]


def status_of(refused: pytest.ExceptionInfo[ClientError]) -> int:
    return refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_account_and_the_region_are_those_asked_for(aws: LocalAws) -> None:
    url = boto3.client("sqs").create_queue(QueueName="requests")["QueueUrl"]
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]

    assert boto3.client("sts").get_caller_identity()["Account"] == "111122223333"
    assert attributes["QueueArn"] == "arn:aws:sqs:eu-west-1:111122223333:requests"


@pytest.mark.parametrize("run", ["the first", "the next"])
def test_each_local_aws_starts_empty(aws: LocalAws, run: str) -> None:
    sqs = boto3.client("sqs")
    assert "QueueUrls" not in sqs.list_queues()
    with pytest.raises(ClientError) as refused:
        boto3.client("eks").describe_cluster(name="blue")
    assert code_of(refused) == "ResourceNotFoundException"
    assert [call.operation for call in aws.calls] == ["ListQueues", "DescribeCluster"]

    sqs.create_queue(QueueName="requests")
    aws.put_cluster(CLUSTER)


def test_a_second_local_aws_beside_the_first_is_refused(aws: LocalAws) -> None:
    with pytest.raises(RuntimeError, match="one local AWS at a time"), LocalAws("eu-west-1", "111122223333"):
        pass


def test_calls_are_recorded_with_service_region_operation_and_parameters(aws: LocalAws) -> None:
    aws.put_instances({"Reservations": []})

    boto3.client("ec2").describe_instances(
        Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}], IncludeManagedResources=True
    )

    (call,) = aws.calls
    assert (call.service, call.region, call.operation) == ("ec2", "eu-west-1", "DescribeInstances")
    assert call.params == {
        "Filters": [{"Name": "vpc-id", "Values": ["vpc-1"]}],
        "IncludeManagedResources": True,
    }


def test_a_signature_for_another_region_is_refused(aws: LocalAws) -> None:
    # AWS Signature Version 4: the credential scope names the region of the endpoint.
    with pytest.raises(ClientError) as refused:
        boto3.client("ec2", region_name="us-east-1").describe_instances()

    assert code_of(refused) == "SignatureDoesNotMatch"
    assert boto3.client("ec2").describe_instances()["Reservations"] == []


def test_an_unsigned_request_is_refused(aws: LocalAws) -> None:
    with pytest.raises(ClientError) as refused:
        boto3.client("sqs", config=Config(signature_version=UNSIGNED)).list_queues()

    assert status_of(refused) == 403


def test_what_neither_moto_nor_the_front_can_do_is_refused_at_once(aws: LocalAws) -> None:
    with pytest.raises(ClientError) as refused:
        boto3.client("sqs").start_message_move_task(SourceArn="arn:aws:sqs:eu-west-1:111122223333:requests")

    assert code_of(refused) == "NotImplemented"


FAULTS = [
    pytest.param(
        "DescribeInstances",
        lambda: boto3.client("ec2").describe_instances(),
        "RequestLimitExceeded",
        503,
        id="EC2 XML: throttled (EC2 API error codes)",
    ),
    pytest.param(
        "DescribeInstances",
        lambda: boto3.client("ec2").describe_instances(),
        "UnauthorizedOperation",
        403,
        id="EC2 XML: not permitted (EC2 API error codes)",
    ),
    pytest.param(
        "GetRole",
        lambda: boto3.client("iam").get_role(RoleName="node"),
        "Throttling",
        400,
        id="query XML: throttled (IAM common errors)",
    ),
    pytest.param(
        "GetRole",
        lambda: boto3.client("iam").get_role(RoleName="node"),
        "AccessDenied",
        403,
        id="query XML: not permitted (IAM common errors)",
    ),
    pytest.param(
        "DescribeCluster",
        lambda: boto3.client("eks").describe_cluster(name="blue"),
        "ServiceUnavailableException",
        503,
        id="REST JSON: unavailable (EKS DescribeCluster)",
    ),
    pytest.param(
        "CreateLogGroup",
        lambda: boto3.client("logs").create_log_group(logGroupName="denials"),
        "ThrottlingException",
        400,
        id="JSON: throttled (CloudWatch Logs common errors)",
    ),
    pytest.param(
        "SendMessage",
        lambda: boto3.client("sqs").send_message(QueueUrl="http://sqs/1/requests", MessageBody="m"),
        "RequestThrottled",
        400,
        id="JSON with query codes: throttled (SQS SendMessage)",
    ),
]


@pytest.mark.parametrize(("operation", "ask", "code", "status"), FAULTS)
def test_a_fault_on_demand_looks_like_the_services_own(
    aws: LocalAws, operation: str, ask: Callable[[], object], code: str, status: int
) -> None:
    aws.fail_next(operation, code, message="<slow> & down")

    with pytest.raises(ClientError) as refused:
        ask()

    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"], status_of(refused)) == (code, "<slow> & down", status)


def test_faults_are_used_up_by_the_sdks_retries(aws: LocalAws) -> None:
    aws.fail_next("DescribeInstances", "RequestLimitExceeded", times=2)
    ec2 = boto3.client("ec2", config=Config(retries={"mode": "standard", "max_attempts": 3}))

    assert ec2.describe_instances()["ResponseMetadata"]["RetryAttempts"] == 2
    assert [call.operation for call in aws.calls] == ["DescribeInstances"] * 3


def test_a_delay_on_demand_outlasts_a_clients_patience(aws: LocalAws) -> None:
    aws.delay_next("DescribeInstances", 0.5)
    start = time.monotonic()
    boto3.client("ec2").describe_instances()
    assert time.monotonic() - start >= 0.5

    aws.delay_next("DescribeInstances", 0.5)
    with pytest.raises(Exception, match="Read timeout"):
        boto3.client("ec2", config=Config(read_timeout=0.1)).describe_instances()


def test_iam_answers_with_the_arns_paths_and_policies_of_the_documents(aws: LocalAws) -> None:
    aws.put_instance_profiles({"InstanceProfiles": [PROFILE]})
    aws.put_roles({"Roles": [ROLE]})
    iam = boto3.client("iam")

    profile = iam.get_instance_profile(InstanceProfileName="node-profile")["InstanceProfile"]
    role = iam.get_role(RoleName="node")["Role"]

    assert profile["Arn"] == PROFILE["Arn"]
    assert profile["Path"] == "/eks/"
    assert profile["Roles"][0]["Arn"] == ROLE["Arn"]
    assert "MaxSessionDuration" not in profile["Roles"][0]
    assert {**role, "CreateDate": role["CreateDate"].isoformat()} == ROLE


def test_iam_does_not_know_a_role_or_profile_of_another_name(aws: LocalAws) -> None:
    iam = boto3.client("iam")
    for ask in (lambda: iam.get_role(RoleName="x"), lambda: iam.get_instance_profile(InstanceProfileName="x")):
        with pytest.raises(iam.exceptions.NoSuchEntityException) as refused:
            ask()
        assert status_of(refused) == 404


def test_iam_refuses_a_path_in_a_name(aws: LocalAws) -> None:
    # IAM API reference, GetRole and GetInstanceProfile: the pattern of the name is [\w+=,.@-]+.
    aws.put_instance_profiles({"InstanceProfiles": [PROFILE]})
    with pytest.raises(ClientError) as refused:
        boto3.client("iam").get_instance_profile(InstanceProfileName="eks/node-profile")

    assert code_of(refused) == "ValidationError"


def test_eks_answers_with_the_document(aws: LocalAws) -> None:
    aws.put_cluster(CLUSTER)

    cluster = boto3.client("eks").describe_cluster(name="blue")["cluster"]

    assert {**cluster, "createdAt": CLUSTER["cluster"]["createdAt"]} == CLUSTER["cluster"]
    assert cluster["createdAt"].timestamp() == 1767323045.678


def test_eks_can_put_another_api_server_behind_the_document(aws: LocalAws) -> None:
    aws.put_cluster(CLUSTER, endpoint="https://127.0.0.1:6443", ca_pem=b"PEM")

    cluster = boto3.client("eks").describe_cluster(name="blue")["cluster"]

    assert cluster["endpoint"] == "https://127.0.0.1:6443"
    assert cluster["certificateAuthority"] == {"data": "UEVN"}
    assert cluster["version"] == "1.36"


def test_eks_tells_the_access_entries_of_a_cluster(aws: LocalAws) -> None:
    arns = [f"arn:aws:iam::111122223333:role/{name}" for name in ("node", "admin")]
    aws.put_cluster(CLUSTER)
    aws.put_access_entries("blue", *({"accessEntry": {"principalArn": arn, "type": "STANDARD"}} for arn in arns))
    eks = boto3.client("eks")
    assert eks.list_access_entries(clusterName="blue")["accessEntries"] == sorted(arns)
    entry = eks.describe_access_entry(clusterName="blue", principalArn=arns[0])["accessEntry"]
    assert (entry["principalArn"], entry["type"]) == (arns[0], "STANDARD")
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_access_entry(clusterName="blue", principalArn=f"{arns[0]}2")


def test_eks_has_no_access_entries_where_the_cluster_uses_aws_auth_alone(aws: LocalAws) -> None:
    cluster = CLUSTER["cluster"] | {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}
    aws.put_cluster({"cluster": cluster})
    eks = boto3.client("eks")
    with pytest.raises(eks.exceptions.InvalidRequestException, match="authentication mode"):
        eks.list_access_entries(clusterName="blue")


def test_eks_does_not_know_a_cluster_of_another_name(aws: LocalAws) -> None:
    eks = boto3.client("eks")
    with pytest.raises(eks.exceptions.ResourceNotFoundException, match="No cluster found for name: green") as refused:
        eks.describe_cluster(name="green")

    assert status_of(refused) == 404


MISTAKES = [
    pytest.param({"Reservations": [{"Instances": [{"InstanceID": "i-1"}]}]}, "InstanceID", id="a misspelt member"),
    pytest.param({"Reservations": [{"Instances": [{"AmiLaunchIndex": "0"}]}]}, "AmiLaunchIndex", id="a wrong type"),
    pytest.param({"cluster": {}}, "cluster", id="another operation's answer"),
    pytest.param({}, "has no Reservations", id="an empty document"),
]


@pytest.mark.parametrize(("document", "place"), MISTAKES)
def test_a_document_that_is_no_answer_is_refused_by_place(aws: LocalAws, document: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match="this is no answer of ec2 DescribeInstances") as refused:
        aws.put_instances(document)

    assert place in str(refused.value)


def test_a_local_aws_that_is_over_answers_503() -> None:
    with LocalAws("eu-west-1", "111122223333") as aws:
        environment = aws.environment() | {"AWS_MAX_ATTEMPTS": "1"}

    with process_environment(environment), pytest.raises(ClientError, match="503"):
        boto3.client("sqs").list_queues()
