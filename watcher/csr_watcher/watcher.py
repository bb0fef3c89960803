"""The watcher as a whole: its threads, their start, and their end in time."""

import logging
import random
import time
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING

from kubernetes import client

from csr_watcher.api import RequestsApi
from csr_watcher.deliveries import Deliveries
from csr_watcher.health import Health
from csr_watcher.http_server import HttpServer
from csr_watcher.ledger import Ledger
from csr_watcher.metrics import Metrics
from csr_watcher.pulse import Pulse
from csr_watcher.reflector import Reflector
from csr_watcher.sender import Sender
from csr_watcher.server_clock import ServerClock
from csr_watcher.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)

# Replicas but the first leave it this long to send, and then find the request decided.
_OTHERS_DELAY_SECONDS = 5.0
_SENDERS = 8
_DRAIN_SECONDS = 4.0


class Watcher:
    """`name`: of this replica, in heartbeats. Raises OSError if the address to listen on cannot be had."""

    def __init__(self, settings: Settings, connection: client.ApiClient, sqs: "SQSClient", name: str) -> None:
        first = settings.ordinal == 0
        self.metrics = Metrics()
        clock = ServerClock()
        deliveries = Deliveries(
            0.0 if first else _OTHERS_DELAY_SECONDS, settings.burst, settings.refill_seconds, random.random
        )
        # Pending ones need both replicas; for what is decided already, a second message is one too many.
        self.ledger = Ledger(deliveries, clock, self.metrics, forward_approved=settings.forward_approved and first)
        self._reflector = Reflector(RequestsApi(connection, clock), self.ledger, self.metrics, random.random)
        sender = Sender(sqs, settings.queue_url, settings.cluster, self.ledger, random.random)
        self._senders = [_thread(f"sender-{index}", sender.run) for index in range(_SENDERS)]
        watching = _thread("reflector", self._reflector.run)
        vital = [watching, *self._senders]
        self.health = Health(self._reflector, vital)
        self._pulse = Pulse(sqs, settings.queue_url, settings.cluster, name, self.ledger, self.health, self.metrics)
        # The heart knows of its health, so it comes later.
        vital.append(_thread("heartbeat", self._pulse.run))
        self._http = HttpServer(settings.listen, self.health, self.ledger, self.metrics)
        self._threads = [*vital, _thread("http", self._http.serve_forever)]

    def start(self) -> None:
        """Return at once; the work goes on in threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send what is due, and end; within 5 s, whatever SQS and the API server do."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        self._reflector.stop()
        self._pulse.stop()
        self.ledger.close()
        for thread in self._senders:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._http.shutdown()
        self._http.server_close()
        late = sum(thread.is_alive() for thread in self._senders)
        logger.info("stopped", extra={"sendersStillBusy": late})


def _thread(name: str, target: Callable[[], None]) -> Thread:
    return Thread(name=name, target=target, daemon=True)
