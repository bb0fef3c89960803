"""The record of a denial: what the function sends before it denies, and what CloudWatch keeps."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.effects.approvals import condition_message
from csr_approver.policy.request import ARN, SESSION_NAME, SigningRequest
from csr_approver.policy.settings import Mode
from csr_approver.policy.verdict import Deny, shown

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

KIND = "denial"
_MAX_FINDINGS = 20
_MAX_DETAIL = 500
_MAX_NAME = 512
_MAX_ENTRIES = 10  # of one SendMessageBatch


@dataclass(frozen=True, slots=True)
class DenialContext:
    """What a record says of the approver itself: which cluster, and whether the denial is written to it."""

    cluster: str
    mode: Mode
    written: bool


def denial_record(request: SigningRequest, verdict: Deny, context: DenialContext, now: datetime) -> dict[str, Any]:
    """One JSON object. The key is `uid`: records come at least once, and whoever reads them counts a uid once."""
    return {
        "kind": KIND,
        "uid": request.uid,
        "cluster": context.cluster,
        "name": request.name,
        "node": shown(request.node_name, _MAX_NAME),
        "instance": _first(request, SESSION_NAME),
        "requester": _first(request, ARN) or shown(request.username, _MAX_NAME),
        "reason": verdict.findings[0].reason,
        "message": condition_message(verdict),
        "findings": [
            {"reason": finding.reason, "subject": finding.subject, "detail": finding.detail[:_MAX_DETAIL]}
            for finding in verdict.findings[:_MAX_FINDINGS]
        ],
        "findingsCount": len(verdict.findings),
        "mode": context.mode,
        "written": context.written,
        "createdAt": request.created_at.isoformat() if request.created_at else None,
        "decidedAt": now.isoformat(),
    }


class DenialQueue:
    """At least once: a record is on the queue before the denial is written, or the denial is not written.

    Records of troubles take the same way, behind no decision.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def send(self, record: dict[str, Any]) -> None:
        """Raises botocore's exceptions; then nothing may be denied."""
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(record))

    def send_all(self, records: Sequence[dict[str, Any]], deadline: float) -> str | None:
        """Send what can be sent; one line why not all of them are on the queue, None if they are.

        No call is begun after `deadline`, on time.monotonic's clock, or after one that failed.
        """
        for start in range(0, len(records), _MAX_ENTRIES):
            if time.monotonic() > deadline:
                return "the time for it is over"
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": json.dumps(record)}
                for number, record in enumerate(records[start : start + _MAX_ENTRIES])
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                return describe_error(error)
            if failed := answer.get("Failed"):
                return f"SQS answered {failed[0]['Code']}"
        return None


def _first(request: SigningRequest, key: str) -> str | None:
    values = request.extra.get(key)
    return shown(values[0], _MAX_NAME) if values else None
