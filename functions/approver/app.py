"""The approver: a batch of pointers to signing requests and of heartbeats in, what must come back out.

Environment: the settings (CSR_APPROVER_...), CSR_QUEUE_URL, DENIAL_QUEUE_URL, and KUBECONFIG for a cluster that is
reached by a kubeconfig instead of EKS authentication.
"""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from csr_approver.assess import Assessor
from csr_approver.clients.aws import AwsClients
from csr_approver.effects.denials import DenialContext, DenialQueue
from csr_approver.effects.heartbeats import count_heartbeat, log_heartbeat, sent_at
from csr_approver.effects.outcome import FINAL, Effect
from csr_approver.effects.redelivery import Redelivery, redelivery_delay
from csr_approver.effects.telemetry import count_malformed, count_reviews, log_review
from csr_approver.effects.troubles import trouble_records
from csr_approver.environment import environment_settings
from csr_approver.evidence.connection import ClusterConnection
from csr_approver.evidence.instances import Ec2Instances
from csr_approver.evidence.names import DnsNames
from csr_approver.evidence.roles import IamRoles
from csr_approver.message import Heartbeat, MalformedMessageError, Pointer, parse_message
from csr_approver.policy.settings import Mode
from csr_approver.review import Reviewer
from csr_approver.settings import ENVIRONMENT_PREFIX, parse_settings, required_variable

# What is left of the invocation when reviewing ends: time to postpone, to log and to answer.
_CLOSING_SECONDS = 2.0
# Within these, troubles are put on record; then it is the turn of decisions.
_RECORDING_SECONDS = 2.0

logger = Logger()


def _now() -> datetime:
    return datetime.now(UTC)


def _log_error(pointer: Pointer, error: Exception) -> None:
    logger.error("unexpected error", exc_info=error, extra={"csr": pointer.name, "uid": pointer.uid})


settings = parse_settings(environment_settings(os.environ, ENVIRONMENT_PREFIX))
aws = AwsClients()
connection = ClusterConnection(settings.cluster, aws, os.environ.get("KUBECONFIG"))
assessor = Assessor(
    connection.facts,
    Ec2Instances(aws.ec2),
    IamRoles(aws.iam),
    DnsNames(settings.dns_servers, settings.dns_timeout_seconds),
    settings.policy,
)
denials = DenialQueue(aws.sqs, required_variable(os.environ, "DENIAL_QUEUE_URL"))
reviewer = Reviewer(
    connection.api,
    assessor,
    denials,
    DenialContext(settings.cluster.name, settings.policy.mode, settings.deny and settings.policy.mode is Mode.ENFORCE),
    _now,
    _log_error,
)
required_variable(os.environ, "POWERTOOLS_METRICS_NAMESPACE")
redelivery = Redelivery(aws.sqs, required_variable(os.environ, "CSR_QUEUE_URL"))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """SQS batch in, `batchItemFailures` out: only what is to be delivered again."""
    records = list(SQSEvent(event).records)
    pointers: list[tuple[SQSRecord, Pointer]] = []
    heartbeats: list[tuple[SQSRecord, Heartbeat]] = []
    for record in records:
        message = _message(record)
        match message:
            case Pointer():
                pointers.append((record, message))
            case Heartbeat():
                heartbeats.append((record, message))
            case None:
                pass
            case _:
                assert_never(message)
    again = [*_report(heartbeats), *_decide(pointers, context)]
    delays = {record.receipt_handle: delay for record, delay in again if delay is not None}
    for problem in redelivery.postpone(delays):
        logger.warning("a message comes back later than asked", extra={"error": problem})
    count_malformed(settings.cluster.name, len(records) - len(pointers) - len(heartbeats))
    return {"batchItemFailures": [{"itemIdentifier": record.message_id} for record, _ in again]}


def _message(record: SQSRecord) -> Pointer | Heartbeat | None:
    try:
        return parse_message(record.body, settings.cluster.name)
    except MalformedMessageError as error:
        logger.warning("message dropped", extra={"messageId": record.message_id, "error": str(error)})
        return None


def _report(heartbeats: Sequence[tuple[SQSRecord, Heartbeat]]) -> Iterator[tuple[SQSRecord, int | None]]:
    """Heartbeats that must come back, and after how many seconds; None: after the queue's own time-out.

    The watcher tells a trouble once. So unlike a pointer, what is not recorded is not acknowledged at any attempt.
    """
    deadline = time.monotonic() + _RECORDING_SECONDS
    for record, heartbeat in heartbeats:
        sent = sent_at(record, _now())
        try:
            log_heartbeat(logger, settings.cluster.name, heartbeat, sent)
            count_heartbeat(settings.cluster.name, heartbeat, sent)
            problem = denials.send_all(trouble_records(settings.cluster.name, heartbeat, sent), deadline)
        except Exception as error:  # whatever it is, no pointer beside it may suffer
            logger.error("unexpected error", exc_info=error, extra={"messageId": record.message_id})
            yield record, None
        else:
            if problem:
                logger.warning("troubles not recorded", extra={"messageId": record.message_id, "error": problem})
                yield record, redelivery_delay(_attempt(record))


def _decide(
    pointers: Sequence[tuple[SQSRecord, Pointer]], context: LambdaContext
) -> Iterator[tuple[SQSRecord, int | None]]:
    """Pointers that must come back, likewise."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _CLOSING_SECONDS
    reviewed = reviewer.review([pointer for _, pointer in pointers], max(seconds, 0))
    reviews = {review.pointer: review for review in reviewed}
    now = _now()
    for record, pointer in pointers:
        review, attempt = reviews[pointer], _attempt(record)
        log_review(logger, settings.cluster.name, review, attempt, now)
        delay = redelivery_delay(attempt)
        if review.effect is Effect.ERROR:
            yield record, None
        elif review.effect not in FINAL and delay is not None:
            yield record, delay
    count_reviews(settings.cluster.name, reviewed, now)


def _attempt(record: SQSRecord) -> int:
    return int(record.attributes.approximate_receive_count)
