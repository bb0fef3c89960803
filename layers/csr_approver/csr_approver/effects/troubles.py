"""The record of a request that was approved and got no certificate: what the watcher saw, in an operator's words."""

from datetime import datetime
from typing import Any, assert_never

from csr_approver.message import MAX_TEXT, Heartbeat, Trouble, TroubledRequest
from csr_approver.policy.request import NODE_USER_PREFIX
from csr_approver.policy.verdict import shown

KIND = "trouble"

_NOT_ISSUED = (
    "Approved more than a minute ago, and the signer has issued no certificate. When many nodes come at once it may "
    "only be late. On EKS the signer is EKS's own: by AWS staff's account it issues only what a kubelet itself asked "
    "for, and only for names and addresses that it can verify; the request shows no reason when it does not. Compare "
    "the names in the request with what EC2 says of the instance now: suspect names of a custom domain, and a public "
    "address that came or went. On other clusters look whether kube-controller-manager signs requests at all. The "
    "kubelet waits 15 minutes, then asks again."
)
_FAILED_BY_SIGNER = (
    "The signer refused the request after it was approved (condition Failed; `detail` has its words) and will issue "
    "nothing for it. kube-controller-manager does so where subject, usages or kinds of names are not those of a "
    "kubelet's serving certificate. Look who approved the request and what is in it. The kubelet asks again within "
    "seconds, in the end every 32 seconds, with the same result until the cause is gone."
)


def trouble_records(cluster: str, heartbeat: Heartbeat, reported_at: datetime) -> list[dict[str, Any]]:
    """One JSON object a trouble. The key is `uid` with `trouble`: records come at least once, from each replica."""
    return [
        {
            "kind": KIND,
            "uid": troubled.uid,
            "cluster": cluster,
            "name": troubled.name,
            "node": _node(troubled),
            "requester": shown(troubled.requester, MAX_TEXT),
            "trouble": troubled.trouble,
            "detail": shown(troubled.detail, MAX_TEXT),
            "explanation": explanation(troubled.trouble),
            "since": troubled.since,
            "reportedAt": reported_at.isoformat(),
            "watcher": shown(heartbeat.watcher, MAX_TEXT),
        }
        for troubled in heartbeat.troubles
    ]


def _node(troubled: TroubledRequest) -> str | None:
    name = troubled.requester.removeprefix(NODE_USER_PREFIX)
    return shown(name, MAX_TEXT) if name != troubled.requester else None


def explanation(trouble: Trouble) -> str:
    """What a trouble means, and where to look."""
    match trouble:
        case Trouble.NOT_ISSUED:
            return _NOT_ISSUED
        case Trouble.FAILED_BY_SIGNER:
            return _FAILED_BY_SIGNER
        case _:
            assert_never(trouble)
