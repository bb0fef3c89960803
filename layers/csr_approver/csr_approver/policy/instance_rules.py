"""The rules that EC2 decides: is this a live instance of the cluster, and are name and addresses its own?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import assert_never

from csr_approver.policy.cluster import Cluster
from csr_approver.policy.examine import Candidate
from csr_approver.policy.instance import Instance
from csr_approver.policy.permitted import Permitted
from csr_approver.policy.question import InstanceById, InstanceByName, InstanceQuestion
from csr_approver.policy.reason import Reason
from csr_approver.policy.settings import PolicySettings
from csr_approver.policy.verdict import Finding, listed

CLOCK_SKEW = timedelta(seconds=60)

_NOT_YET_RUNNING = ("pending", "stopping", "stopped")
_LIVE = (*_NOT_YET_RUNNING, "running")
# Written by EKS, eksctl, Karpenter, Cluster API and the cloud provider; AWS documents them as the owner's mark.
_CLUSTER_TAG_PREFIX = "kubernetes.io/cluster/"
_CLUSTER_NAME_TAGS = ("eks:cluster-name", "eks:eks-cluster-name", "aws:eks:cluster-name")


def the_instance(found: tuple[Instance, ...], question: InstanceQuestion, cluster: Cluster) -> Instance | Finding:
    """Exactly one answer, checked against the question: a name must be that of one live instance in the VPC."""
    match question:
        case InstanceById(instance_id):
            subject = instance_id
            matches = [instance for instance in found if instance.instance_id == instance_id]
        case InstanceByName(names):
            subject = listed(names)
            matches = [
                instance
                for instance in found
                if instance.private_dns_name in names and instance.state in _LIVE and instance.vpc_id == cluster.vpc_id
            ]
        case _:
            assert_never(question)
    if len(matches) == 1:
        return matches[0]
    if matches:
        instances = listed(instance.instance_id for instance in matches)
        return Finding(Reason.INSTANCE_AMBIGUOUS, subject, f"is the name of more than one live instance: {instances}")
    return Finding(Reason.INSTANCE_NOT_FOUND, subject, "is not known to EC2 here (yet)")


def check_instance(
    candidate: Candidate, instance: Instance, permitted: Permitted, cluster: Cluster, settings: PolicySettings
) -> Iterator[Finding]:
    """Every rule on the instance's record."""
    yield from _check_state(instance)
    yield from _check_owner(candidate, instance, cluster)
    if settings.cluster_membership:
        yield from _check_membership(instance, cluster)
    if candidate.identity.session is None:
        yield from _check_age(candidate, instance)
    yield from _check_claims(candidate, instance, permitted)


def _check_state(instance: Instance) -> Iterator[Finding]:
    if instance.state in _NOT_YET_RUNNING:
        yield Finding(Reason.INSTANCE_NOT_RUNNING, instance.instance_id, f"is {instance.state}")
    elif instance.state != "running":
        yield Finding(Reason.INSTANCE_GONE, instance.instance_id, f"is {instance.state}")


def _check_owner(candidate: Candidate, instance: Instance, cluster: Cluster) -> Iterator[Finding]:
    session = candidate.identity.session
    if instance.account_id is None:
        yield Finding(Reason.INSTANCE_INCOMPLETE, instance.instance_id, "has no owner in EC2's record")
    elif session and instance.account_id != session.role.account_id:
        detail = f"belongs to another account than the requester's {session.role.account_id}"
        yield Finding(Reason.OTHER_ACCOUNT, instance.instance_id, detail)
    if instance.vpc_id is None:
        yield Finding(Reason.INSTANCE_INCOMPLETE, instance.instance_id, "has no VPC in EC2's record")
    elif instance.vpc_id != cluster.vpc_id:
        yield Finding(Reason.OTHER_VPC, instance.instance_id, f"is in {instance.vpc_id}, not in the cluster's VPC")


def _check_membership(instance: Instance, cluster: Cluster) -> Iterator[Finding]:
    if f"{_CLUSTER_TAG_PREFIX}{cluster.name}" in instance.tags:
        return
    clusters = {
        key.removeprefix(_CLUSTER_TAG_PREFIX) for key in instance.tags if key.startswith(_CLUSTER_TAG_PREFIX)
    } | {instance.tags[key] for key in _CLUSTER_NAME_TAGS if key in instance.tags}
    if cluster.name in clusters:
        return
    if clusters - {""}:
        yield Finding(Reason.OTHER_CLUSTER, instance.instance_id, "is tagged for another cluster only")
    else:
        yield Finding(Reason.MEMBERSHIP_UNPROVED, instance.instance_id, "has no tag of the cluster")


def _check_age(candidate: Candidate, instance: Instance) -> Iterator[Finding]:
    """A name is recycled faster than a request expires: the instance must be older than what is asked in its name."""
    primary = instance.primary_interface
    attached_at = primary.attached_at if primary else None
    if attached_at is None or candidate.created_at is None:
        yield Finding(
            Reason.INSTANCE_INCOMPLETE, instance.instance_id, "has no attach time to compare with the request"
        )
    elif attached_at - candidate.created_at > CLOCK_SKEW:
        yield Finding(
            Reason.INSTANCE_YOUNGER_THAN_REQUEST,
            instance.instance_id,
            "was started after the request was made",
        )


def _check_claims(candidate: Candidate, instance: Instance, permitted: Permitted) -> Iterator[Finding]:
    node_name = candidate.identity.node_name
    if node_name not in {instance.instance_id, instance.private_dns_name} and node_name not in permitted.custom_names:
        own = listed(name for name in (instance.instance_id, instance.private_dns_name) if name)
        yield _mismatch(
            Reason.NODE_NAME_NOT_OF_INSTANCE, instance, node_name, f"is not the node's name; permitted: {own}"
        )
    for name in candidate.claims.names - permitted.names:
        detail = f"is not this instance's; permitted: {listed(permitted.names)}"
        yield _mismatch(Reason.NAME_NOT_OF_INSTANCE, instance, name, detail)
    for address in candidate.claims.addresses - permitted.addresses:
        detail = f"is not this node's own; permitted: {listed(permitted.addresses)}"
        yield _mismatch(Reason.ADDRESS_NOT_OF_INSTANCE, instance, str(address), detail)


def _mismatch(reason: Reason, instance: Instance, subject: str, detail: str) -> Finding:
    if instance.is_complete:
        return Finding(reason, subject, detail)
    return Finding(Reason.INSTANCE_INCOMPLETE, subject, f"{detail}, but EC2's record is not complete yet")
