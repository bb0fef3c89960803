"""Whether a request is this approver's business at all. What is not ours is ignored, never denied."""

from csr_approver.policy.identity import session_values
from csr_approver.policy.names import INSTANCE_ID
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import KIND, KUBELET_SERVING, SESSION_NAME, SigningRequest
from csr_approver.policy.settings import InstanceBinding, Mode, PolicySettings
from csr_approver.policy.verdict import Finding, Ignore, shown

# EKS names Fargate and HyperPod nodes so; neither is an instance that EC2 shows to the cluster's account.
_OTHER_COMPUTE = ("fargate-", "hyperpod-")


def route(request: SigningRequest, settings: PolicySettings) -> Ignore | None:
    """None: ours to judge."""
    if request.kind != KIND:
        return _ignore(Reason.NOT_A_SIGNING_REQUEST, "kind", f"is {shown(request.kind)}, not {KIND}")
    if request.being_deleted:
        return _ignore(Reason.REQUEST_BEING_DELETED, "metadata.deletionTimestamp", "the request is being deleted")
    if request.signer_name != KUBELET_SERVING:
        return _ignore(
            Reason.OTHER_SIGNER, "spec.signerName", f"is {shown(request.signer_name)}, not {KUBELET_SERVING}"
        )
    if request.decided and not _is_judged_all_the_same(request, settings):
        decision = ", ".join(sorted(request.condition_types)) or "issued"
        return _ignore(Reason.ALREADY_DECIDED, "status", f"is already {shown(decision)}")
    node_name = request.node_name
    if node_name is None:
        return _ignore(
            Reason.REQUESTER_NOT_A_NODE,
            "spec.username",
            f"is {shown(request.username)}, not system:node:NAME: look at how this identity is mapped to the cluster",
        )
    if node_name.startswith(_OTHER_COMPUTE):
        return _ignore(Reason.NOT_AN_EC2_NODE, "spec.username", f"{shown(node_name)} is not named like an EC2 node")
    return _route_by_session(request, settings)


def _route_by_session(request: SigningRequest, settings: PolicySettings) -> Ignore | None:
    sessions = session_values(request, SESSION_NAME)
    if sessions == ():
        if settings.instance_binding is InstanceBinding.PREFER:
            return None
        return _ignore(
            Reason.NO_INSTANCE_BINDING,
            f"spec.extra.{SESSION_NAME}",
            "is absent, so the API server does not say which instance asks",
        )
    if sessions is not None and not any(map(INSTANCE_ID.fullmatch, sessions)):
        return _ignore(
            Reason.NOT_AN_EC2_NODE,
            f"spec.extra.{SESSION_NAME}",
            f"{shown(', '.join(sessions))} is no EC2 instance id",
        )
    return None


def _is_judged_all_the_same(request: SigningRequest, settings: PolicySettings) -> bool:
    """On EKS the cluster's own controller is often first; an observer judges what it approved."""
    return (
        settings.mode is Mode.OBSERVE
        and "Approved" in request.condition_types
        and request.condition_types.isdisjoint({"Denied", "Failed"})
    )


def _ignore(reason: Reason, subject: str, detail: str) -> Ignore:
    return Ignore(Finding(reason, subject, detail))
