"""Puts what the ledger owes on the queue, in batches; what SQS does not confirm stays owed."""

import hashlib
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.message import pointer_message
from csr_watcher.back_off import BackOff
from csr_watcher.deliveries import Parcel
from csr_watcher.ledger import Ledger
from csr_watcher.outage import Outage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

logger = logging.getLogger(__name__)


class Sender:
    """Several threads may `run` one of these, each with a batch on its way."""

    def __init__(
        self, sqs: "SQSClient", queue_url: str, cluster: str, ledger: Ledger, random: Callable[[], float]
    ) -> None:
        self._sqs, self._queue_url = sqs, queue_url
        self._cluster = cluster
        self._ledger = ledger
        self._random = random
        self._outage = Outage(logger, "SQS")

    def run(self) -> None:
        """Until the ledger is closed and owes nothing."""
        back_off = BackOff(0.05, self._random)
        while parcels := self._ledger.collect():
            sent = self._send(parcels)
            self._ledger.settle(sent, [parcel for parcel in parcels if parcel not in sent])
            if sent:
                back_off.succeeded()
            else:
                time.sleep(back_off.failed())

    def _send(self, parcels: list[Parcel]) -> list[Parcel]:
        """Those that SQS says it has."""
        try:
            answer = self._sqs.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[self._entry(str(index), parcel) for index, parcel in enumerate(parcels)],
            )
        except (BotoCoreError, ClientError) as error:
            self._outage.failed(describe_error(error))
            return []
        except Exception as error:  # a fault of ours must not end the thread
            logger.exception("unexpected error")
            self._outage.failed(f"unexpected {type(error).__name__}")
            return []
        if refused := answer.get("Failed"):
            self._outage.failed(f"SendMessageBatch refused entries: {refused[0].get('Code')}")
        else:
            self._outage.succeeded()
        confirmed = {entry["Id"] for entry in answer.get("Successful", [])}
        return [parcel for index, parcel in enumerate(parcels) if str(index) in confirmed]

    def _entry(self, index: str, parcel: Parcel) -> "SendMessageBatchRequestEntryTypeDef":
        return {
            "Id": index,
            "MessageBody": pointer_message(self._cluster, parcel.pointer),
            "MessageGroupId": group_id(parcel.requester),
        }


def group_id(requester: str) -> str:
    """Fair queues serve groups by turns: a group for each requester. SQS takes no user name as it is."""
    return hashlib.sha256(requester.encode("utf-8", "surrogatepass")).hexdigest()[:32]
