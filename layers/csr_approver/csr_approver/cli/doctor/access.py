"""Section "cluster": the cluster itself, and how it maps the approver's role."""

from collections.abc import Iterator
from shlex import quote
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from csr_approver.cli.doctor.facts import Facts, code_of
from csr_approver.cli.doctor.findings import Checks, Found, ok, unknown, wrong
from csr_approver.policy.role import parse_role_arn

GROUP = "csr-approver"
_EDIT = "kubectl -n kube-system edit configmap aws-auth"


def _status(facts: Facts) -> Iterator[Found]:
    try:
        cluster = facts.cluster()
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        yield wrong(
            f"EKS has no cluster {facts.cluster_name} in {facts.region} for this AWS identity",
            "see --set cluster=NAME, --region and --profile",
        )
        return
    about = f"{facts.cluster_name}, Kubernetes {cluster.get('version')}, {facts.authentication_mode()}"
    if cluster.get("status") == "ACTIVE":
        yield ok(about)
    else:
        yield unknown(f"{about}: is {cluster.get('status')}", "look again when it is ACTIVE")


def _api_server(facts: Facts) -> Iterator[Found]:
    reader = facts.kubernetes()
    here, there = urlsplit(reader.url).hostname, urlsplit(str(facts.cluster().get("endpoint"))).hostname
    if (here or "").lower() == (there or "").lower():
        yield ok(f"answers at {reader.url}")
    else:
        yield unknown(
            f"the kubeconfig leads to {reader.url}, EKS says {facts.cluster().get('endpoint')}: if that is no way round"
            " to the same cluster, what follows is about another one",
            f"aws eks update-kubeconfig --name {facts.cluster_name} --region {facts.region}",
        )


def _mapping(facts: Facts) -> Iterator[Found]:
    """An access entry counts more than aws-auth."""
    arn = facts.approver()["Role"]
    if facts.authentication_mode() != "CONFIG_MAP":
        named = f"--cluster-name {quote(facts.cluster_name)} --principal-arn {quote(arn)}"
        grant = f"{named} --username csr-approver --kubernetes-groups {GROUP}"
        try:
            entry = facts.aws.eks.describe_access_entry(clusterName=facts.cluster_name, principalArn=arn)["accessEntry"]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            if facts.authentication_mode() == "API":
                yield wrong("the approver's role has no access entry", f"aws eks create-access-entry {grant}")
                return
        else:
            groups = entry.get("kubernetesGroups") or []
            if GROUP in groups:
                yield ok(f"access entry: user {entry.get('username')}, groups {', '.join(groups)}")
            else:
                yield wrong(
                    f"the access entry of the approver's role does not give it the group {GROUP}",
                    f"aws eks update-access-entry {grant}",
                )
            return
    yield _of_config_map(facts, arn)


def _of_config_map(facts: Facts, arn: str) -> Found:
    role = parse_role_arn(arn)
    if role is None:
        return unknown(f"the function's role has no readable ARN: {arn}")
    expected = f"arn:{role.partition}:iam::{role.account_id}:role/{role.name}"
    item = f"{_EDIT}\n  - rolearn: {expected}\n    username: csr-approver\n    groups: [{GROUP}]"
    items = [each for each in facts.mapped_roles() if parse_role_arn(each.role_arn) == role]
    right = [each for each in items if each.role_arn == expected]
    if any(GROUP in each.groups for each in right):
        return ok(f"aws-auth: groups {', '.join(right[0].groups)}")
    if right:
        return wrong(f"aws-auth does not give the approver's role the group {GROUP}", item)
    if items:
        return wrong("aws-auth names the approver's role with its path, and so never matches it", item)
    if facts.authentication_mode() == "CONFIG_MAP":
        return wrong("aws-auth has no item for the approver's role", item)
    create = f"--cluster-name {quote(facts.cluster_name)} --principal-arn {quote(arn)} --username csr-approver"
    return wrong(
        "the approver's role has no access entry, and aws-auth has no item for it",
        f"aws eks create-access-entry {create} --kubernetes-groups {GROUP}",
    )


CHECKS: Checks = {"status": _status, "API server": _api_server, "approver's mapping": _mapping}
