"""python -m csr_watcher"""

import logging
import os
import signal
import socket
import sys
from threading import Event

from botocore.exceptions import BotoCoreError

from csr_approver.clients.aws import AwsClients
from csr_approver.environment import SettingsError
from csr_watcher import __version__
from csr_watcher.api import connect
from csr_watcher.logs import log_json
from csr_watcher.settings import read_settings
from csr_watcher.watcher import Watcher

logger = logging.getLogger("csr_watcher")


def _complain(problem: str) -> None:
    sys.stderr.write(f"csr-watcher: {problem}\n")


def main() -> int:
    """Run until SIGTERM or SIGINT. Exit status 2 for a mistake in the settings, 1 for what a retry may mend."""
    name = socket.gethostname()
    try:
        settings = read_settings(sys.argv[1:], os.environ, name)
        connection = connect(settings.kubeconfig)
        aws = AwsClients(settings.region)
        if not aws.region:
            raise SettingsError("no AWS region: the queue's URL has none; set AWS_REGION")
        sqs = aws.sqs
    except (BotoCoreError, ValueError) as error:
        for mistake in str(error).splitlines():
            _complain(mistake)
        return 2
    try:
        watcher = Watcher(settings, connection, sqs, name)
    except OSError as error:
        _complain(f"cannot listen on {settings.listen.host or ''}:{settings.listen.port}: {error.strerror}")
        return 1
    log_json(settings.log_level, settings.cluster, name)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
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
