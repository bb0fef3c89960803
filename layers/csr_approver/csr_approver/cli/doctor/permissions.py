"""Section "permissions in AWS": whether the stack's roles may do what the functions and the watcher do."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, wrong
from csr_approver.policy.settings import RoleCheck

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef, EvaluationResultTypeDef

_DEPLOY = "the stack's own policy gives it: sam build && sam deploy"
_RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


def _ec2(facts: Facts) -> Iterator[Found]:
    yield _may(facts, facts.approver()["Role"], ["ec2:DescribeInstances"], "*")


def _iam(facts: Facts) -> Iterator[Found]:
    check = facts.settings().policy.role_check
    if check is RoleCheck.OFF:
        yield not_applicable("role-check=off: IAM is not asked")
        return
    # Any name will do: the policy gives all.
    yield _may(
        facts,
        facts.approver()["Role"],
        ["iam:GetInstanceProfile"],
        _arn(facts, "iam", "instance-profile/ANY"),
        "profiles",
    )
    if check is RoleCheck.REQUIRE:
        yield _may(facts, facts.approver()["Role"], ["iam:GetRole"], _arn(facts, "iam", "role/ANY"), "roles")


def _eks(facts: Facts) -> Iterator[Found]:
    cluster = _arn(facts, "eks", f"cluster/{facts.settings().cluster.name}")
    yield _may(facts, facts.approver()["Role"], ["eks:DescribeCluster"], cluster)


def _sqs(facts: Facts) -> Iterator[Found]:
    role = facts.approver()["Role"]
    yield _may(facts, role, [*_RECEIVE, "sqs:ChangeMessageVisibility"], queue_arn(facts, "CsrQueue"), "CSR queue")
    yield _may(facts, role, ["sqs:SendMessage"], queue_arn(facts, "DenialQueue"), "denial queue")


def _approver_log(facts: Facts) -> Iterator[Found]:
    yield _may(facts, facts.approver()["Role"], _LOG, _log_arn(facts, "ApproverLogGroup"))


def _recorder(facts: Facts) -> Iterator[Found]:
    role = facts.recorder()["Role"]
    yield _may(facts, role, _RECEIVE, queue_arn(facts, "DenialQueue"), "queue")
    yield _may(facts, role, _LOG, _log_arn(facts, "DenialLogGroup"), "log")


def _watcher(facts: Facts) -> Iterator[Found]:
    if "WatcherRole" not in facts.resources():
        yield not_applicable("its role was not made by the stack")
        return
    role = _arn(facts, "iam", f"role/{facts.resource('WatcherRole')}")
    yield _may(facts, role, ["sqs:SendMessage"], queue_arn(facts, "CsrQueue"))


def _may(facts: Facts, role_arn: str, actions: Sequence[str], resource: str, subject: str = "") -> Found:
    """By IAM's simulation, which reads the role's policies, its boundary and the organization's, not the resource's."""
    region: ContextEntryTypeDef = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyValues": [facts.region],
        "ContextKeyType": "string",
    }
    pages = facts.aws.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=[region]
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    refused = [result for result in results if result["EvalDecision"] != "allowed"]
    if not refused:
        return ok(", ".join(actions), subject)
    by = {why for result in refused if (why := _refuser(result))}
    what = ", ".join(str(result["EvalActionName"]) for result in refused)
    if by:
        mend = f"{' and '.join(sorted(by))} must let the role {role_arn}"
        return wrong(f"{what} on {resource} is refused by {' and '.join(sorted(by))}", mend, subject)
    return wrong(f"{what} on {resource} is not given to {role_arn}", _DEPLOY, subject)


def _refuser(result: "EvaluationResultTypeDef") -> str | None:
    if not (result.get("OrganizationsDecisionDetail") or {}).get("AllowedByOrganizations", True):
        return "a policy of the organization"
    if not (result.get("PermissionsBoundaryDecisionDetail") or {}).get("AllowedByPermissionsBoundary", True):
        return "the role's permissions boundary"
    return "a Deny in the role's policies" if result["EvalDecision"] == "explicitDeny" else None


def queue_arn(facts: Facts, logical_id: str) -> str:
    """Of a queue, whose physical id is its URL."""
    return _arn(facts, "sqs", facts.resource(logical_id).rpartition("/")[2])


def _log_arn(facts: Facts, logical_id: str) -> str:
    return _arn(facts, "logs", f"log-group:{facts.resource(logical_id)}:*")


def _arn(facts: Facts, service: str, name: str) -> str:
    """In the stack's account and region; IAM has no regions."""
    _, partition, _, _, account, _ = facts.approver()["Role"].split(":", 5)
    region = "" if service == "iam" else facts.region
    return f"arn:{partition}:{service}:{region}:{account}:{name}"


CHECKS: Checks = {
    "EC2": _ec2,
    "IAM": _iam,
    "EKS": _eks,
    "SQS": _sqs,
    "approver's log": _approver_log,
    "denial recorder": _recorder,
    "watcher": _watcher,
}
