"""What an operator sees of the watcher: one log line a heartbeat, and gauges by cluster alone."""

from datetime import UTC, datetime, timedelta

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from csr_approver import __version__
from csr_approver.message import MAX_TEXT, Heartbeat
from csr_approver.policy.verdict import shown

# CloudWatch takes no metric that is older, or further ahead.
_MAX_AGE, _MAX_LEAD = timedelta(days=14), timedelta(hours=2)


def sent_at(record: SQSRecord, now: datetime) -> datetime:
    """When the message was put on the queue; `now` where SQS does not say, or says what CloudWatch would not take.

    A heartbeat that was held up must not look as if the watcher were alive now.
    """
    try:
        milliseconds = int(record.attributes.sent_timestamp)
    except (KeyError, ValueError):
        return now
    earliest, latest = (1000 * time.timestamp() for time in (now - _MAX_AGE, now + _MAX_LEAD))
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if earliest < milliseconds < latest else now


def log_heartbeat(logger: Logger, cluster: str, heartbeat: Heartbeat, sent: datetime) -> None:
    """The watcher's name, version and figures, and our version; a warning if part of it could not be read."""
    fields = {
        "cluster": cluster,
        "watcher": shown(heartbeat.watcher, MAX_TEXT),
        "version": shown(heartbeat.version, MAX_TEXT),
        "pending": heartbeat.pending,
        "oldestPendingSeconds": heartbeat.oldest_pending_seconds,
        "notIssued": heartbeat.not_issued,
        "failedBySigner": heartbeat.failed_by_signer,
        "troubles": len(heartbeat.troubles),
        "unreadable": heartbeat.unreadable,
        "sentAt": sent.isoformat(),
        "approver": __version__,
    }
    if heartbeat.unreadable:
        logger.warning("heartbeat", extra=fields)
    else:
        logger.info("heartbeat", extra=fields)


def count_heartbeat(cluster: str, heartbeat: Heartbeat, sent: datetime) -> None:
    """One EMF line, as of the time it was sent.

    Zeros are told too: no value means that there is no watcher. Each replica sees the whole cluster, so the gauges are
    to be read with Maximum; the sum of WatcherHeartbeat counts replicas.
    """
    # The empty service keeps Powertools from adding a dimension of its own.
    emf = EphemeralMetrics(service="")
    emf.set_timestamp(sent)
    emf.add_dimension("cluster", cluster)
    emf.add_metric("WatcherHeartbeat", MetricUnit.Count, 1)
    emf.add_metric("PendingRequests", MetricUnit.Count, heartbeat.pending)
    emf.add_metric("OldestPendingSeconds", MetricUnit.Seconds, heartbeat.oldest_pending_seconds)
    emf.add_metric("NotIssued", MetricUnit.Count, heartbeat.not_issued)
    emf.add_metric("FailedBySigner", MetricUnit.Count, heartbeat.failed_by_signer)
    emf.flush_metrics()
