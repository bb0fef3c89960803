"""The denial recorder: records from the denial queue into the CloudWatch log group that keeps them.

Environment: DENIAL_LOG_GROUP. At least once: a record may be written twice, and whoever reads counts a uid once.
"""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from csr_approver.clients.aws import AwsClients
from csr_approver.effects.denial_log import DenialLog, MalformedRecordError, parse_record
from csr_approver.settings import required_variable

logger = Logger()
denial_log = DenialLog(AwsClients().logs, required_variable(os.environ, "DENIAL_LOG_GROUP"))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """SQS batch in; a record that CloudWatch did not take comes back."""
    records = {}
    for message in SQSEvent(event).records:
        try:
            records[message.message_id] = parse_record(message.body)
        except MalformedRecordError as error:
            logger.warning("message dropped", extra={"messageId": message.message_id, "error": str(error)})
    failed = denial_log.write(records, context.log_stream_name, datetime.now(UTC))
    for message_id, problem in failed.items():
        logger.warning("record not written", extra={"messageId": message_id, "error": problem})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
