"""python -m csr_watcher"""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, CredentialRetrievalError

from csr_approver.clients.aws import AwsClients
from csr_approver.environment import SettingsError
from csr_watcher import __version__
from csr_watcher.api import connect
from csr_watcher.logs import log_json
from csr_watcher.outage import Outage
from csr_watcher.settings import read_settings
from csr_watcher.watcher import Watcher

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger("csr_watcher")

# The agent of EKS Pod Identity may come up on this node after us. Longer than that, and the startup probe ends it.
_CREDENTIALS_SECONDS = 50.0


def _complain(problem: str) -> None:
    sys.stderr.write(f"csr-watcher: {problem}\n")


def _on_signal(act: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: act())


def _sqs_client(aws: AwsClients) -> "SQSClient":
    """Wait for the credentials, where those who hand them out do not answer yet. Raises BotoCoreError."""
    outage = Outage(logger, "the source of AWS credentials")
    deadline = time.monotonic() + _CREDENTIALS_SECONDS
    while True:
        try:
            return aws.sqs
        except CredentialRetrievalError as error:
            outage.failed(str(error))
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def main() -> int:
    """Run until SIGTERM or SIGINT. Exit status 2 for a mistake in the settings, 1 for what a retry may mend."""
    name = socket.gethostname()
    # In a container we are process 1, which hears of no signal that it does not handle. Nothing has to be drained yet.
    _on_signal(lambda: os._exit(0))
    try:
        settings = read_settings(sys.argv[1:], os.environ, name)
        connection = connect(settings.kubeconfig)
        aws = AwsClients(settings.region)
        if not aws.region:
            raise SettingsError("no AWS region: the queue's URL has none; set AWS_REGION")
        log_json(settings.log_level, settings.cluster, name)
        sqs = _sqs_client(aws)
    except CredentialRetrievalError as error:
        _complain(str(error))
        return 1
    except (BotoCoreError, ValueError) as error:
        for mistake in str(error).splitlines():
            _complain(mistake)
        return 2
    try:
        watcher = Watcher(settings, connection, sqs, name)
    except OSError as error:
        _complain(f"cannot listen on {settings.listen.host or ''}:{settings.listen.port}: {error.strerror}")
        return 1
    stopping = Event()
    _on_signal(stopping.set)
    watcher.start()
    logger.info("watching", extra={"version": __version__, "ordinal": settings.ordinal, "queueUrl": settings.queue_url})
    stopping.wait()
    watcher.stop()
    return 0


if __name__ == "__main__":
    # Not sys.exit: it would wait for a call to AWS or Kubernetes that is still on its way.
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
