"""When a message comes back: after 5, 15 and 45 seconds, then not at all (DESIGN 2.7).

The watcher knows what is still pending and sends it again, so nothing is lost by acknowledging it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

_DELAYS = (5, 15, 45)
_MAX_ENTRIES = 10  # of one ChangeMessageVisibilityBatch


def redelivery_delay(receive_count: int) -> int | None:
    """Seconds until the next try after this many receives; None: acknowledge."""
    return _DELAYS[receive_count - 1] if 1 <= receive_count <= len(_DELAYS) else None


class Redelivery:
    """The CSR queue's visibility time-outs."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def postpone(self, delays: Mapping[str, int]) -> list[str]:
        """Delays in seconds by receipt handle.

        What cannot be changed comes back after the queue's own time-out all the same; says why, a line a failure.
        """
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": delay}
            for number, (handle, delay) in enumerate(delays.items())
        ]
        problems = []
        for start in range(0, len(entries), _MAX_ENTRIES):
            try:
                answer = self._client.change_message_visibility_batch(
                    QueueUrl=self._queue_url, Entries=entries[start : start + _MAX_ENTRIES]
                )
            except (ClientError, BotoCoreError) as error:
                problems.append(describe_error(error))
            else:
                problems += [f"SQS answered {failure['Code']}" for failure in answer.get("Failed", [])]
        return problems
