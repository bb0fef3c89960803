"""A cluster and a stack in which `csr-approver doctor` finds nothing to mend, to break one thing at a time.

The function is in the cluster's VPC, so that every check has something to look at. Policies are those of template.yaml,
log lines those that the handlers write.
"""

import copy
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from csr_approver.message import heartbeat_message
from csr_approver_local.apiserver.users import User
from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import APPROVER, DENIAL_LOG_GROUP, WATCHER, System
from tests.support.cloudformation import resolved, resources, template
from tests.support.heartbeats import heartbeat
from tests.support.kustomize import DEPLOY, render
from tests.support.requests import ACCOUNT, REGION, signing_request
from tests.support.worlds import default_world

STACK, LOG_GROUP = "csr-approver-demo", "/csr-approver/demo/approver"
APPROVER_ROLE, WATCHER_ROLE = "csr-approver-demo-ApproverRole-EXAMPLE", "csr-approver-demo-WatcherRole-EXAMPLE"
RECORDER_ROLE = "csr-approver-demo-DenialRecorderRole-EXAMPLE"
VPC, SUBNET = "vpc-0a1b2c3d4e5f60718", "subnet-0123456789abcdef0"
CLUSTER_GROUP, FUNCTION_GROUP = "sg-0123456789abcdef0", "sg-0fedcba9876543210"
STATEFUL_SET = "/apis/apps/v1/namespaces/csr-approver/statefulsets/csr-watcher"
CONFIG_MAP = "/api/v1/namespaces/csr-approver/configmaps/csr-watcher"
AWS_AUTH = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
_READS = ("statefulsets", "configmaps", "certificatesigningrequests")

OPERATOR = User(
    "operator",
    permissions=frozenset(
        {
            *(("get", resource) for resource in _READS),
            ("list", "certificatesigningrequests"),
            ("create", "subjectaccessreviews"),
            ("impersonate", "users"),
        }
    ),
)

Document = dict[str, Any]


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@dataclass
class Healthy:
    """Documents in the form that the AWS CLI and kubectl print; change one, then call `serve`."""

    system: System
    kubernetes: KubernetesApi
    identities: dict[str, User]
    operator: dict[str, User]
    settings: dict[str, str] = field(
        default_factory=lambda: {
            "CSR_APPROVER_CLUSTER": "demo",
            "CSR_APPROVER_CUSTOM_DOMAINS": "corp.example",
            "CSR_APPROVER_NODE_ROLES": role_arn("NodeRole"),
            "CSR_APPROVER_MODE": "enforce",
            "CSR_APPROVER_DNS_SERVERS": "",
        }
    )
    functions: dict[str, Document] = field(
        default_factory=lambda: {"ApproverFunction": {}, "DenialRecorderFunction": {}}
    )
    """What their configurations have other than the healthy ones."""
    event_source_state: str = "Enabled"
    cluster: Document = field(default_factory=lambda: copy.deepcopy(dict(default_world().cluster)))
    access_entries: list[Document] = field(
        default_factory=lambda: [
            _entry(role_arn(APPROVER_ROLE), "STANDARD", "csr-approver", ["csr-approver"]),
            _entry(role_arn("NodeRole"), "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", []),
        ]
    )
    policies: dict[str, Document] = field(default_factory=dict)
    queue_policies: dict[str, Document] = field(default_factory=dict)
    watcher: Document = field(default_factory=dict)
    watcher_settings: dict[str, str] = field(default_factory=dict)
    ingress: list[Document] = field(default_factory=list)
    routes: list[Document] = field(default_factory=list)
    dns_support: bool = True

    def __post_init__(self) -> None:
        self.cluster["cluster"]["resourcesVpcConfig"]["endpointPublicAccess"] = False
        self.policies = {
            role_arn(name): self._of_template(resources("AWS::IAM::Role")[logical]["Policies"][0]["PolicyDocument"])
            for logical, name in (
                ("ApproverRole", APPROVER_ROLE),
                ("DenialRecorderRole", RECORDER_ROLE),
                ("WatcherRole", WATCHER_ROLE),
            )
        }
        self.queue_policies = {
            url: self._of_template(resources("AWS::SQS::QueuePolicy")[logical]["PolicyDocument"])
            for url, logical in (
                (self.system.csr_queue, "CsrQueuePolicy"),
                (self.system.denial_queue, "DenialQueuePolicy"),
            )
        }
        self.watcher = copy.deepcopy(render(DEPLOY).one("StatefulSet")) | {
            "status": {"replicas": 2, "readyReplicas": 2}
        }
        container = self.watcher["spec"]["template"]["spec"]["containers"][0]
        container["image"] = "111122223333.dkr.ecr.us-west-2.amazonaws.com/csr-watcher:0.1.0"
        container["envFrom"] = [{"configMapRef": {"name": "csr-watcher"}}]
        self.watcher_settings = {"CSR_WATCHER_CLUSTER": "demo", "CSR_WATCHER_QUEUE_URL": self.system.csr_queue}
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        self.ingress = [rule | {"UserIdGroupPairs": [{"GroupId": FUNCTION_GROUP, "UserId": ACCOUNT}]}]
        nat = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0123456789abcdef0", "State": "active"}
        self.routes = [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}, nat]

    def serve(self) -> None:
        """Let the local services have it so."""
        aws = self.system.aws
        aws.put_cluster(self.cluster, endpoint=self.kubernetes.url, ca_pem=self.kubernetes.ca_pem)
        aws.put_access_entries("demo", *self.access_entries)
        aws.stacks.put(STACK, {"StackResourceSummaries": self._resources()})
        for logical, role in (("ApproverFunction", APPROVER_ROLE), ("DenialRecorderFunction", RECORDER_ROLE)):
            aws.functions.put(self._function(logical, role))
        aws.functions.put_event_sources({"EventSourceMappings": self._event_sources()})
        for arn, policy in self.policies.items():
            role = arn.rpartition("/")[2]
            aws.role_policies.put(arn, {"RoleName": role, "PolicyName": "own", "PolicyDocument": policy})
        for url, policy in self.queue_policies.items():
            self.system.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self._serve_network()
        self.kubernetes.serve(STATEFUL_SET, self.watcher)
        self.kubernetes.serve(CONFIG_MAP, {"kind": "ConfigMap", "data": self.watcher_settings})

    def log(self, *lines: Mapping[str, Any], seconds_ago: float = 0.0) -> None:
        """Into the approver's log."""
        logs = boto3.client("logs")
        existing = logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
        if not existing:
            logs.create_log_group(logGroupName=LOG_GROUP)
            logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="stream")
        timestamp = int((time.time() - seconds_ago) * 1000)
        logs.put_log_events(
            logGroupName=LOG_GROUP,
            logStreamName="stream",
            logEvents=[{"timestamp": timestamp, "message": json.dumps(line)} for line in lines],
        )

    def _of_template(self, document: Mapping[str, Any]) -> Document:
        """A policy document with what is only known when the stack is made."""
        known = {
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "Cluster": "demo",
            "CsrQueue.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:csr",
            "DenialQueue.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:denial",
            "ApproverRole.Arn": role_arn(APPROVER_ROLE),
            "WatcherRole.Arn": role_arn(WATCHER_ROLE),
            "ApproverLogGroup.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{LOG_GROUP}:*",
            "DenialLogGroup.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{DENIAL_LOG_GROUP}:*",
        }
        text = re.sub(r"\$\{([\w:.]+)\}", lambda match: known.get(match[1], match[0]), json.dumps(resolved(document)))
        made: Document = json.loads(text)
        made["Statement"] = [each for each in made["Statement"] if isinstance(each, dict)]
        return made

    def _resources(self) -> list[Document]:
        known = {
            "ApproverFunction": "csr-approver-demo-ApproverFunction-EXAMPLE",
            "DenialRecorderFunction": "csr-approver-demo-DenialRecorderFunction-EXAMPLE",
            "ApproverRole": APPROVER_ROLE,
            "DenialRecorderRole": RECORDER_ROLE,
            "WatcherRole": WATCHER_ROLE,
            "ApproverLogGroup": LOG_GROUP,
            "DenialLogGroup": DENIAL_LOG_GROUP,
            "CsrQueue": self.system.csr_queue,
            "DenialQueue": self.system.denial_queue,
            "CsrDeadLetterQueue": f"{self.system.csr_queue}-dlq",
            "DenialDeadLetterQueue": f"{self.system.denial_queue}-dlq",
        }
        return [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": known.get(logical, f"{STACK}-{logical}-EXAMPLE"),
                "ResourceType": resource["Type"],
                "LastUpdatedTimestamp": "2026-11-01T09:00:00+00:00",
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for logical, resource in template()["Resources"].items()
        ]

    def _function(self, logical: str, role: str) -> Document:
        network = {"SubnetIds": [SUBNET], "SecurityGroupIds": [FUNCTION_GROUP], "VpcId": VPC}
        return {
            "FunctionName": f"{STACK}-{logical}-EXAMPLE",
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{logical}-EXAMPLE",
            "Runtime": "python3.13",
            "Role": role_arn(role),
            "MemorySize": 512,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "VpcConfig": network if logical == "ApproverFunction" else {},
            "Environment": {"Variables": self.settings if logical == "ApproverFunction" else {}},
            **self.functions[logical],
        }

    def _event_sources(self) -> list[Document]:
        return [
            {
                "UUID": f"14e0db71-0000-4000-8000-{number:012}",
                "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{logical}-EXAMPLE",
                "BatchSize": 10,
                "State": self.event_source_state if logical == "ApproverFunction" else "Enabled",
            }
            for number, logical in enumerate(self.functions)
        ]

    def _serve_network(self) -> None:
        network, out = self.system.aws.network, {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        groups = [
            {"GroupId": CLUSTER_GROUP, "VpcId": VPC, "IpPermissions": self.ingress, "IpPermissionsEgress": []},
            {
                "GroupId": FUNCTION_GROUP,
                "VpcId": VPC,
                "IpPermissions": [],
                "IpPermissionsEgress": [out | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            },
        ]
        network.put_security_groups({"SecurityGroups": groups})
        associations = [{"RouteTableId": "rtb-0123456789abcdef0", "SubnetId": SUBNET, "Main": False}]
        network.put_route_tables({"RouteTables": [{"VpcId": VPC, "Associations": associations, "Routes": self.routes}]})
        for attribute, name in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
            network.put_vpc_attribute(attribute, {"VpcId": VPC, name: {"Value": self.dns_support}})


def _entry(arn: str, kind: str, username: str, groups: list[str]) -> Document:
    """As `aws eks describe-access-entry` prints it."""
    return {
        "accessEntry": {
            "clusterName": "demo",
            "principalArn": arn,
            "kubernetesGroups": groups,
            "username": username,
            "type": kind,
        }
    }


def identities() -> dict[str, User]:
    """The approver and the watcher with the rights of watcher/deploy."""
    return {APPROVER.username: APPROVER, WATCHER.username: WATCHER}


def logged() -> list[Document]:
    """What the function logs of a heartbeat of each of two watchers, and of a decision."""
    with System(default_world()) as system:
        for watcher in ("csr-watcher-0", "csr-watcher-1"):
            system.send(heartbeat_message("demo", heartbeat(watcher=watcher)))
        system.submit(signing_request())
        system.run()
        return system.log


Break = Callable[[Healthy], object]
