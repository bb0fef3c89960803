"""The heartbeat: once a minute, what the watcher knows of the cluster goes to the queue that the pointers go to."""

import logging
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.message import MAX_TROUBLES, Heartbeat, TroubledRequest, heartbeat_message
from csr_watcher import __version__
from csr_watcher.follow_up import Case
from csr_watcher.health import Health
from csr_watcher.ledger import Ledger
from csr_watcher.metrics import Metrics
from csr_watcher.outage import Outage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)

_PERIOD_SECONDS = 60.0
_RETRY_SECONDS = 1.0
# A group of its own, so that no noisy node's messages come before it in a fair queue.
_GROUP = "heartbeat"


class Pulse:
    """Silent while the watcher has no contact with the API server: its figures would be old, and the alarm right."""

    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        cluster: str,
        watcher: str,
        ledger: Ledger,
        health: Health,
        metrics: Metrics,
    ) -> None:
        self._sqs, self._queue_url = sqs, queue_url
        self._cluster, self._watcher = cluster, watcher
        self._ledger, self._health, self._metrics = ledger, health, metrics
        self._outage = Outage(logger, "the heartbeat")
        self._stopping = Event()

    def run(self) -> None:
        """Until `stop`."""
        seconds = 0.0
        while not self._stopping.wait(seconds):
            seconds = _PERIOD_SECONDS if not self._health.blindness and self._beat() else _RETRY_SECONDS

    def stop(self) -> None:
        """End `run` at once."""
        self._stopping.set()

    def _beat(self) -> bool:
        cases = self._ledger.news(MAX_TROUBLES)
        gauges = self._ledger.gauges()
        heartbeat = Heartbeat(
            self._watcher,
            __version__,
            gauges.pending,
            round(gauges.oldest_pending_seconds, 3),
            gauges.not_issued,
            gauges.failed_by_signer,
            tuple(map(_troubled, cases)),
        )
        try:
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=heartbeat_message(self._cluster, heartbeat),
                MessageGroupId=_GROUP,
            )
        except (BotoCoreError, ClientError) as error:
            self._outage.failed(describe_error(error))
            return False
        except Exception:  # a fault of ours must not end the thread
            logger.exception("unexpected error")
            return False
        self._outage.succeeded()
        self._metrics.heartbeats.inc()
        self._health.beaten()
        self._ledger.reported(cases)
        return True


def _troubled(case: Case) -> TroubledRequest:
    sighting = case.sighting
    since = sighting.since or sighting.created_at or datetime.now(UTC)
    return TroubledRequest(
        case.trouble,
        sighting.pointer.name,
        sighting.pointer.uid,
        sighting.requester,
        since.isoformat().replace("+00:00", "Z"),
        sighting.detail,
    )
