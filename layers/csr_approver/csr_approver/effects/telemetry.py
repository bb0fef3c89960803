"""What an operator sees of the function: one structured log line a decision, and EMF metrics of few dimensions."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from csr_approver import __version__
from csr_approver.effects.outcome import Effect, Review
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SESSION_NAME
from csr_approver.policy.verdict import Undetermined, findings_of, shown

_MAX_FINDINGS = 20
_MAX_NAME = 512
# Powertools prints what it has, without the dimensions, once a metric holds 100 values (the most that EMF allows).
_MAX_VALUES = 99
_TROUBLE = frozenset({Effect.WRITE_FAILED, Effect.OUT_OF_TIME, Effect.ERROR})
# Somebody was asked and gave no answer: throttled, not permitted, timed out. Which one is for the log.
_UNREADABLE = frozenset(
    {
        Reason.REQUEST_UNREADABLE,
        Reason.CLUSTER_UNREADABLE,
        Reason.INSTANCE_UNREADABLE,
        Reason.INSTANCE_PROFILE_UNREADABLE,
        Reason.TRUST_POLICY_UNREADABLE,
        Reason.DNS_UNAVAILABLE,
    }
)


def log_review(logger: Logger, cluster: str, review: Review, attempt: int, now: datetime) -> None:
    """The whole story of one decision; what a requester chose is a value here, never part of the message."""
    request, verdict = review.request, review.verdict
    findings = findings_of(verdict) if verdict else ()
    fields: dict[str, Any] = {
        "cluster": cluster,
        "csr": review.pointer.name,
        "uid": review.pointer.uid,
        "effect": review.effect,
        "attempt": attempt,
        "approver": __version__,
    }
    if verdict:
        fields["verdict"] = type(verdict).__name__
        fields["reasons"] = sorted({finding.reason for finding in findings})
        fields["findings"] = [
            f"{finding.reason}: {finding.subject} {finding.detail}" for finding in findings[:_MAX_FINDINGS]
        ]
    if request:
        instance = request.extra.get(SESSION_NAME)
        fields["node"] = shown(request.node_name, _MAX_NAME) if request.node_name else None
        fields["instance"] = shown(instance[0], _MAX_NAME) if instance else None
        if request.created_at:
            fields["ageSeconds"] = round((now - request.created_at).total_seconds(), 3)
    if review.error:
        fields["error"] = review.error
    if review.effect in _TROUBLE:
        logger.warning("decision", extra=fields)
    else:
        logger.info("decision", extra=fields)


def count_malformed(cluster: str, number: int) -> None:
    """Messages of no kind that we know, or for another cluster."""
    _emit({"MalformedMessages": [number] if number else []}, MetricUnit.Count, cluster=cluster)


def count_reviews(cluster: str, reviews: Collection[Review], now: datetime) -> None:
    """Decisions by cluster and verdict, and by cluster what else happened to a batch.

    A denial that waits for its minute is not decided yet, and counts as postponed.
    """
    verdicts = Counter(
        type(review.verdict).__name__ for review in reviews if review.verdict and review.effect is not Effect.POSTPONED
    )
    for verdict, number in verdicts.items():
        _emit({"Decisions": [number]}, MetricUnit.Count, cluster=cluster, verdict=verdict)
    counts = {
        "DenialsPostponed": sum(review.effect is Effect.POSTPONED for review in reviews),
        "FailedReviews": sum(review.effect in _TROUBLE for review in reviews),
        "SourceUnreadable": sum(map(_left_unread, reviews)),
    }
    _emit({name: [number] for name, number in counts.items() if number}, MetricUnit.Count, cluster=cluster)
    decided = (review for review in reviews if review.effect in (Effect.APPROVED, Effect.DENIED))
    undetermined = (review for review in reviews if isinstance(review.verdict, Undetermined))
    for name, aged in (("CreatedToDecidedSeconds", decided), ("UndeterminedSeconds", undetermined)):
        ages = list(_ages(aged, now))
        for start in range(0, len(ages), _MAX_VALUES):
            _emit({name: ages[start : start + _MAX_VALUES]}, MetricUnit.Seconds, cluster=cluster)


def _left_unread(review: Review) -> bool:
    return isinstance(review.verdict, Undetermined) and any(
        finding.reason in _UNREADABLE for finding in findings_of(review.verdict)
    )


def _ages(reviews: Iterable[Review], now: datetime) -> Iterator[float]:
    for review in reviews:
        if review.request and review.request.created_at:
            yield (now - review.request.created_at).total_seconds()


def _emit(metrics: Mapping[str, Sequence[float]], unit: MetricUnit, **dimensions: str) -> None:
    """One EMF line; the empty service keeps Powertools from adding a dimension of its own."""
    if not any(metrics.values()):
        return
    emf = EphemeralMetrics(service="")
    for name, values in metrics.items():
        for value in values:
            emf.add_metric(name, unit, value)
    for dimension, text in dimensions.items():
        emf.add_dimension(dimension, text)
    emf.flush_metrics()
