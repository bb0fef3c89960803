"""Functions, queues, log groups, and the two places where the stack meets the cluster."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from csr_approver_local import system
from tests.support.cloudformation import resolved, resources, template
from tests.support.kustomize import DEPLOY
from tests.support.translated import translated_resources

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"ApproverFunction": "CsrQueue", "DenialRecorderFunction": "DenialQueue"}
DEAD_LETTERS = {"CsrQueue": "CsrDeadLetterQueue", "DenialQueue": "DenialDeadLetterQueue"}
FOURTEEN_DAYS = 14 * 24 * 3600


def manifest(name: str, kind: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "base" / name).read_text())
    (found,) = (document for document in documents if document["kind"] == kind)
    return dict(found)


# Functions.


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_as_designed(function: str) -> None:
    properties = resolved(translated_resources("AWS::Lambda::Function")[function])
    assert properties["Runtime"] == "python3.13"
    assert properties["Handler"] == "app.lambda_handler"
    assert properties["Architectures"] == ["${Architecture}"]
    assert template()["Parameters"]["Architecture"]["Default"] == "arm64"
    assert properties["Timeout"] == system._FUNCTION_SECONDS
    assert len(properties["Layers"]) == 1
    assert not {"ReservedConcurrentExecutions", "SnapStart", "TracingConfig"} & set(properties)


def test_only_the_approver_can_be_in_a_vpc() -> None:
    functions = translated_resources("AWS::Lambda::Function")
    condition, _, outside = functions["ApproverFunction"]["VpcConfig"]["Fn::If"]
    assert (condition, outside) == ("InVpc", {"Ref": "AWS::NoValue"})
    assert "VpcConfig" not in functions["DenialRecorderFunction"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_fed_by_its_queue_alone(function: str) -> None:
    (source,) = (
        properties
        for properties in map(resolved, translated_resources("AWS::Lambda::EventSourceMapping").values())
        if properties["FunctionName"] == f"${{{function}}}"
    )
    assert source["EventSourceArn"] == f"${{{FUNCTIONS[function]}.Arn}}"
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"]["MaximumConcurrency"]
    assert source.get("Enabled", True) is True


def test_by_default_a_request_does_not_wait_for_others() -> None:
    parameters = template()["Parameters"]
    assert (parameters["BatchSize"]["Default"], parameters["BatchWindowSeconds"]["Default"]) == (10, 0)


def test_the_layer_holds_the_service_models_of_the_clients() -> None:
    code = (ROOT / "layers/csr_approver/csr_approver/clients/aws.py").read_text()
    clients = set(re.findall(r'_session\.client\("(\w+)"', code))
    (services,) = re.findall(r"^SERVICES := (.*)$", (ROOT / "layers/csr_approver/Makefile").read_text(), re.MULTILINE)
    of_the_command_alone = {"cloudformation", "lambda"}
    assert set(services.split()) == clients - of_the_command_alone


# Queues.


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_message_stays_away_for_six_invocations(function: str) -> None:
    """AWS's rule for queues that feed a function, so that a throttled batch is not delivered twice."""
    timeout = template()["Globals"]["Function"]["Timeout"]
    assert resources("AWS::SQS::Queue")[FUNCTIONS[function]]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("queue", DEAD_LETTERS)
def test_the_local_queues_are_like_those_of_the_template(queue: str) -> None:
    properties = resolved(resources("AWS::SQS::Queue")[queue])
    assert properties["VisibilityTimeout"] == system._VISIBILITY_SECONDS
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": f"${{{DEAD_LETTERS[queue]}.Arn}}",
        "maxReceiveCount": system._MAX_RECEIVES,
    }


def test_queues_keep_their_messages_as_long_as_they_are_good_for() -> None:
    kept = {name: queue["MessageRetentionPeriod"] for name, queue in resources("AWS::SQS::Queue").items()}
    assert kept == {
        "CsrQueue": 3600,
        "CsrDeadLetterQueue": FOURTEEN_DAYS,
        "DenialQueue": FOURTEEN_DAYS,
        "DenialDeadLetterQueue": FOURTEEN_DAYS,
    }


def test_queues_are_standard_and_encrypted() -> None:
    for queue in resources("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert "FifoQueue" not in queue


# Log groups.


@pytest.mark.parametrize("group", ["ApproverLogGroup", "DenialRecorderLogGroup", "DenialLogGroup"])
def test_a_log_group_ends_and_may_have_a_key(group: str) -> None:
    properties = resources("AWS::Logs::LogGroup")[group]
    assert resolved(properties["RetentionInDays"]) in {"${LogRetentionDays}", "${DenialLogRetentionDays}"}
    assert resolved(properties["KmsKeyId"]) == "${LogKmsKeyArn}"


def test_the_record_of_denials_outlives_the_stack() -> None:
    assert template()["Resources"]["DenialLogGroup"]["DeletionPolicy"] == "RetainExceptOnCreate"


# The cluster.


def test_the_access_entry_is_of_the_group_that_the_manifests_bind() -> None:
    (entry,) = map(resolved, resources("AWS::EKS::AccessEntry").values())
    (subject,) = manifest("rbac-approver.yaml", "ClusterRoleBinding")["subjects"]
    assert (subject["kind"], [subject["name"]]) == ("Group", entry["KubernetesGroups"])
    assert (entry["PrincipalArn"], entry["ClusterName"]) == ("${ApproverRole.Arn}", "${Cluster}")
    assert entry["Type"] == "STANDARD"
    assert "AccessPolicies" not in entry


def test_the_line_for_aws_auth_says_what_the_access_entry_says() -> None:
    (entry,) = map(resolved, resources("AWS::EKS::AccessEntry").values())
    line = yaml.safe_load(resolved(template()["Outputs"]["AwsAuthEntry"]["Value"]))
    assert line == {
        "rolearn": entry["PrincipalArn"],
        "username": entry["Username"],
        "groups": entry["KubernetesGroups"],
    }


def test_the_watchers_role_is_given_to_the_account_of_its_pods() -> None:
    (association,) = map(resolved, resources("AWS::EKS::PodIdentityAssociation").values())
    assert association == {
        "ClusterName": "${Cluster}",
        "Namespace": manifest("namespace.yaml", "Namespace")["metadata"]["name"],
        "ServiceAccount": manifest("service-account.yaml", "ServiceAccount")["metadata"]["name"],
        "RoleArn": "${WatcherRole.Arn}",
    }


# The network.


def test_the_approver_is_let_in_where_it_must_be_and_lets_in_nobody() -> None:
    groups = {name: resolved(group) for name, group in resources("AWS::EC2::SecurityGroup").items()}
    assert "SecurityGroupIngress" not in groups["ApproverSecurityGroup"]
    assert {
        (rule["IpProtocol"], rule["ToPort"]) for rule in groups["ApproverSecurityGroup"]["SecurityGroupEgress"]
    } == {
        ("tcp", 443),
        ("tcp", 53),
        ("udp", 53),
    }
    (endpoints,) = groups["EndpointSecurityGroup"]["SecurityGroupIngress"]
    (cluster,) = map(resolved, resources("AWS::EC2::SecurityGroupIngress").values())
    for rule in (endpoints, cluster):
        assert rule["SourceSecurityGroupId"] == "${ApproverSecurityGroup.GroupId}"
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert cluster["GroupId"] == "${ClusterSecurityGroupId}"
