"""What is to be said of the certificate that a kubelet presents. Pure."""

from datetime import datetime

from csr_approver.cli.audit.certificates import Certificate
from csr_approver.cli.audit.nodes import Look, NoAnswer, NodeState, Refused
from csr_approver.cli.audit.states import Outcome, Severity, State
from csr_approver.policy.verdict import listed


def validity(certificate: Certificate, now: datetime) -> tuple[Severity, Outcome] | None:
    """None: it is valid, and not yet to be renewed."""
    if not certificate.not_before <= now <= certificate.not_after:
        limits = f"valid from {certificate.not_before:%Y-%m-%d %H:%MZ} to {certificate.not_after:%Y-%m-%d %H:%MZ}"
        return Severity.BROKEN, _outcome(State.EXPIRED, limits, certificate)
    if now > certificate.renewed_by:
        until = f"ends {certificate.not_after:%Y-%m-%d %H:%MZ}, was to be renewed by {certificate.renewed_by:%Y-%m-%d}"
        return Severity.RISK, _outcome(State.EXPIRING, until, certificate)
    return None


def look_outcome(node: NodeState, look: Look, now: datetime) -> tuple[Severity, Outcome]:
    """FINE only for a certificate of the cluster's authority, valid and for the node's own names."""
    match look:
        case NoAnswer(detail):
            return Severity.RISK, _outcome(State.UNREACHABLE, detail)
        case Refused():
            return Severity.BROKEN, _outcome(State.NO_CERTIFICATE, "tls: internal error")
    certificate = look.certificate
    if certificate is None:
        return Severity.BROKEN, _outcome(State.OTHER_AUTHORITY, "presents a certificate that cannot be read")
    if not look.trusted:
        state = State.SELF_SIGNED if certificate.is_kubelets_own else State.OTHER_AUTHORITY
        return Severity.BROKEN, _outcome(state, f"issued by {certificate.issuer or 'nobody'}", certificate)
    if invalid := validity(certificate, now):
        return invalid
    if missing := node.names - certificate.names:
        return Severity.BROKEN, _outcome(State.NAME_MISSING, f"presents one without {listed(missing)}", certificate)
    until = f"serves until {certificate.not_after:%Y-%m-%d %H:%MZ}"
    return Severity.FINE, Outcome(
        State.SERVING, certificate.not_before, summary=until, detail=until, certificate=certificate
    )


def _outcome(state: State, detail: str, certificate: Certificate | None = None) -> Outcome:
    since = certificate.not_before if certificate else None
    return Outcome(state, since, reason=state, summary=detail, detail=detail, certificate=certificate)
