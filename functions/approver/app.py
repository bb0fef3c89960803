"""The approver: a batch of pointers to signing requests in, what must come back out.

Environment: the settings (CSR_APPROVER_...), CSR_QUEUE_URL, DENIAL_QUEUE_URL, and KUBECONFIG for a cluster that is
reached by a kubeconfig instead of EKS authentication.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from csr_approver.assess import Assessor
from csr_approver.clients.aws import AwsClients
from csr_approver.effects.denials import DenialContext, DenialQueue
from csr_approver.effects.outcome import FINAL, Effect
from csr_approver.effects.redelivery import Redelivery, redelivery_delay
from csr_approver.effects.telemetry import count_reviews, log_review
from csr_approver.evidence.connection import ClusterConnection
from csr_approver.evidence.instances import Ec2Instances
from csr_approver.evidence.names import DnsNames
from csr_approver.evidence.roles import IamRoles
from csr_approver.message import MalformedMessageError, Pointer, parse_message
from csr_approver.policy.settings import Mode
from csr_approver.review import Reviewer
from csr_approver.settings import environment_settings, parse_settings, required_variable

# What is left of the invocation when reviewing ends: time to postpone, to log and to answer.
_CLOSING_SECONDS = 2.0

logger = Logger()


def _now() -> datetime:
    return datetime.now(UTC)


def _log_error(pointer: Pointer, error: Exception) -> None:
    logger.error("unexpected error", exc_info=error, extra={"csr": pointer.name, "uid": pointer.uid})


settings = parse_settings(environment_settings(os.environ))
aws = AwsClients()
connection = ClusterConnection(settings.cluster, aws, os.environ.get("KUBECONFIG"))
assessor = Assessor(
    connection.facts,
    Ec2Instances(aws.ec2),
    IamRoles(aws.iam),
    DnsNames(settings.dns_servers, settings.dns_timeout_seconds),
    settings.policy,
)
reviewer = Reviewer(
    connection.api,
    assessor,
    DenialQueue(aws.sqs, required_variable(os.environ, "DENIAL_QUEUE_URL")),
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
    pointers = dict(_pointers(records))
    seconds = context.get_remaining_time_in_millis() / 1000 - _CLOSING_SECONDS
    reviews = {review.pointer: review for review in reviewer.review(list(pointers.values()), max(seconds, 0))}

    failures: list[str] = []
    delays: dict[str, int] = {}
    now = _now()
    for record in records:
        if record.message_id not in pointers:
            continue
        review = reviews[pointers[record.message_id]]
        attempt = int(record.attributes.approximate_receive_count)
        log_review(logger, settings.cluster.name, review, attempt, now)
        if review.effect in FINAL:
            continue
        delay = redelivery_delay(attempt)
        if review.effect is Effect.ERROR:
            failures.append(record.message_id)
        elif delay is not None:
            failures.append(record.message_id)
            delays[record.receipt_handle] = delay
    for problem in redelivery.postpone(delays):
        logger.warning("a message comes back later than asked", extra={"error": problem})
    count_reviews(settings.cluster.name, list(reviews.values()), len(records) - len(pointers), now)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failures]}


def _pointers(records: list[SQSRecord]) -> Iterator[tuple[str, Pointer]]:
    for record in records:
        try:
            yield record.message_id, parse_message(record.body, settings.cluster.name)
        except MalformedMessageError as error:
            logger.warning("message dropped", extra={"messageId": record.message_id, "error": str(error)})
