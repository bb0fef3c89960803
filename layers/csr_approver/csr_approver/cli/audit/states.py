"""What becomes of a node's serving certificate, how bad that is, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from csr_approver.cli.advice import ADVICE
from csr_approver.cli.audit.certificates import Certificate
from csr_approver.policy.reason import Reason


class Severity(IntEnum):
    """The worst has the highest number; only FINE needs nobody."""

    FINE = 0
    RISK = 1
    BROKEN = 2
    SUSPICIOUS = 3

    def __str__(self) -> str:
        return self.name.lower()


class State(StrEnum):
    """What the module's text says of each; in the order in which a list shows them, if they are equally bad."""

    WRONG_MAPPING = "WrongMapping"
    NO_CERTIFICATE = "NoCertificate"
    SELF_SIGNED = "SelfSigned"
    OTHER_AUTHORITY = "OtherAuthority"
    EXPIRED = "Expired"
    NAME_MISSING = "NameMissing"
    FAILED = "Failed"
    DENIED = "Denied"
    NOT_ISSUED = "NotIssued"
    PENDING = "Pending"
    EXPIRING = "Expiring"
    NO_REQUEST = "NoRequest"
    UNREACHABLE = "Unreachable"
    ISSUED = "Issued"
    SERVING = "Serving"
    UNSEEN = "Unseen"


STRANGER, NOT_DECIDED, DENIED_BY_OTHERS = "StrangeRequester", "NotDecided", "DeniedByOthers"
"""What is wrong with a request where no reason of the approver's says it."""

SUSPICIOUS: frozenset[str] = frozenset(
    {
        STRANGER,
        Reason.SESSION_INCONSISTENT,
        Reason.REQUEST_MALFORMED,
        Reason.SUBJECT_MISMATCH,
        Reason.ATTRIBUTES_NOT_PERMITTED,
        Reason.SIGNATURE_INVALID,
        Reason.USAGES_NOT_PERMITTED,
        Reason.RESERVED_IDENTITY,
        Reason.OTHER_ACCOUNT,
        Reason.ROLE_NOT_OF_INSTANCE,
    }
)
"""No kubelet does so, or docs/policy.md says to treat it as an intrusion: no later certificate settles that."""

WHAT_TO_DO: Mapping[str, str] = {str(reason): text for reason, text in ADVICE.items()} | {
    STRANGER: (
        "No kubelet made this, and this approver leaves it alone. Find out who did, and why; nobody is to approve it."
    ),
    # For a request that is still there after minutes, docs/policy.md has nothing to do about it.
    Reason.NOT_AN_EC2_NODE: (
        "This approver leaves Fargate, hybrid and HyperPod nodes to EKS, whose controller mostly decides within a "
        "minute. It has not: look at its rules. A hybrid node, for one, asks for its own name and for addresses in "
        "the remote node network."
    ),
    NOT_DECIDED: (
        "It would be approved, and was not: look whether the watcher and the functions are at work, as with "
        "`csr-approver doctor`. On clusters without them: `kubectl certificate approve`."
    ),
    DENIED_BY_OTHERS: (
        "Not this approver denied it. Read the condition's message, and look who wrote it (`csr-approver explain`). A "
        "denied kubelet asks again every 32 seconds."
    ),
    State.NO_CERTIFICATE: (
        "Until it has one, `kubectl logs`, `exec` and metrics fail. Its request tells why there is none; without a "
        "request read the kubelet's log on the node: `journalctl -u kubelet | grep -i certificate`."
    ),
    State.SELF_SIGNED: (
        "The kubelet does not ask for a certificate: set `serverTLSBootstrap: true` in its configuration, and restart "
        "it. Clients that verify kubelets refuse this one."
    ),
    State.OTHER_AUTHORITY: (
        "Look at `tlsCertFile` in the kubelet's configuration, and whether this is the node at all. Where another "
        "authority signs for kubelets: `--kubelet-ca FILE`."
    ),
    State.EXPIRED: "Read the kubelet's log for why it does not renew it; a restart makes it ask at once.",
    State.NAME_MISSING: (
        "Look for a pending or denied request of this node: its kubelet asks again as soon as a name or address is "
        "missing. Else compare the node's addresses with what EC2 says of the instance."
    ),
    State.EXPIRING: (
        "A kubelet renews at 70 to 90 % of the lifetime. Look for a request of this node; without one read the "
        "kubelet's log."
    ),
    State.NO_REQUEST: (
        "Look with `--tls` what the kubelet presents. Most likely `serverTLSBootstrap: true` is missing in its "
        "configuration, or it may not create requests: its log tells."
    ),
    State.UNREACHABLE: (
        "Ask from a machine in the cluster's network, as the API server does. Else look at the node's security group "
        "(port 10250), and whether the node is Ready."
    ),
}
"""For a reason of the approver's, a trouble, a state or one of the three above."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request or a node's certificate, and why.

    `since` is when it came to that. `reason` is a key of WHAT_TO_DO, empty where nothing is to be done; `reasons` are
    all that speak against a request. `summary` is a few words, `detail` the whole. `verdict` is what this approver
    would decide, by name. `commands` mend the mapping of the node's role.
    """

    state: State
    since: datetime | None = None
    reason: str = ""
    summary: str = ""
    detail: str = ""
    reasons: tuple[str, ...] = ()
    verdict: str | None = None
    commands: tuple[str, ...] = ()
    certificate: Certificate | None = None

    @property
    def is_suspicious(self) -> bool:
        """Whether something stands against it that no kubelet does, and that no wrong mapping explains."""
        return self.state is not State.WRONG_MAPPING and not SUSPICIOUS.isdisjoint(self.reasons)
