"""The loop that keeps the ledger as the API server has it: list, watch, and after whatever went wrong, list again.

kubernetes.io/docs/reference/using-api/api-concepts, "Efficient detection of changes".
"""

import json
import logging
import math
import time
from collections.abc import Callable
from threading import Event
from typing import Any

from csr_approver.message import MalformedMessageError
from csr_watcher.api import ApiError, Cause, RequestsApi, error_event
from csr_watcher.back_off import BackOff
from csr_watcher.ledger import Ledger
from csr_watcher.metrics import Metrics
from csr_watcher.outage import Outage
from csr_watcher.sighting import Sighting, read_sighting

logger = logging.getLogger(__name__)

# With 5 s more for the client, a connection that died unseen is noticed within a minute.
_WATCH_SECONDS = (35, 45)
# A watch can be alive and say nothing: after etcd was restored from a backup, resource versions begin anew.
_RELIST_SECONDS = (540, 660)
# A watch that lived so long was none of a series of failures.
_HEALTHY_SECONDS = 10.0
# Whoever may create requests may create any number that cannot be read; they are all counted, but not all logged.
_COMPLAINT_SECONDS = 10.0


class Reflector:
    """One thread runs it; others may call `stop` and read `synced`, `contact_at` and `progress_at`.

    The times are time.monotonic(): when it last knew all that is pending, and of the last sign that the loop goes on.
    """

    def __init__(self, api: RequestsApi, ledger: Ledger, metrics: Metrics, random: Callable[[], float]) -> None:
        self._api, self._ledger, self._metrics = api, ledger, metrics
        self._random = random
        self._back_off = BackOff(0.25, random)
        self._outage = Outage(logger, "the API server")
        self._stopping = Event()
        self._complained_at = -math.inf
        self.synced = Event()
        self.contact_at = self.progress_at = time.monotonic()

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            self.progress_at = time.monotonic()
            try:
                self._list_and_watch()
            except ApiError as failure:
                if not self._stopping.is_set():
                    self._failed(failure)
            except Exception as error:  # a fault of ours must not end the watch
                logger.exception("unexpected error")
                self._failed(ApiError(Cause.UNEXPECTED, f"unexpected {type(error).__name__}"))

    def stop(self) -> None:
        """End `run` soon, even where it waits for the API server."""
        self._stopping.set()
        self._api.interrupt()

    def _failed(self, failure: ApiError) -> None:
        self._metrics.restarts.labels(failure.cause).inc()
        # Alone, these two belong to the ordinary life of an API server.
        if failure.cause not in (Cause.EXPIRED, Cause.CUT) or self._back_off.failing:
            self._outage.failed(str(failure))
        self._stopping.wait(self._back_off.failed(failure.retry_after))

    def _list_and_watch(self) -> None:
        version = self._list()
        relist_at = time.monotonic() + self._between(*_RELIST_SECONDS)
        while time.monotonic() < relist_at and not self._stopping.is_set():
            version = self._watch(version)

    def _list(self) -> str:
        uids: set[str] = set()
        version = ""
        for page in self._api.pages():
            # No contact yet: were it always a later page that fails, what is on it would stay unseen.
            self.progress_at = time.monotonic()
            version = page.resource_version
            # At once, not after the last page: what is pending has waited long enough.
            for document in page.documents:
                if sighting := self._read(document):
                    uids.add(sighting.pointer.uid)
                    self._ledger.see(sighting)
        self._ledger.retain(uids)
        self._contact()
        self._metrics.lists.inc()
        self.synced.set()
        return version

    def _watch(self, version: str) -> str:
        """Follow what happens after `version`; where the next watch has to begin."""
        began = time.monotonic()
        begun_at = version
        for line in self._api.watch(version, round(self._between(*_WATCH_SECONDS))):
            self._contact()
            self._outage.succeeded()
            version = self._handle(line) or version
            if time.monotonic() - began > _HEALTHY_SECONDS:
                self._back_off.succeeded()
        self._contact()
        self._outage.succeeded()
        if version == begun_at and time.monotonic() - began < 1:
            raise ApiError(Cause.ENDED_EARLY, "the API server ended the watch at once")
        self._back_off.succeeded()
        return version

    def _handle(self, line: bytes) -> str | None:
        """The resource version after this event; None if it tells of none. Raises ApiError for an ERROR event."""
        try:
            event = json.loads(line)
            kind, document = event["type"], event["object"]
            version = document["metadata"]["resourceVersion"] if kind != "ERROR" else None
        except (ValueError, KeyError, TypeError, RecursionError):
            self._malformed("an event of the watch is not one")
            return None
        match kind:
            case "ERROR":
                self._metrics.events.labels(kind).inc()
                raise error_event(document)
            case "ADDED" | "MODIFIED" | "DELETED":
                self._metrics.events.labels(kind).inc()
                if sighting := self._read(document):
                    self._apply(kind, sighting)
            case "BOOKMARK":
                self._metrics.events.labels(kind).inc()
            case _:
                self._metrics.events.labels("unknown").inc()
        return version if isinstance(version, str) and version else None

    def _apply(self, kind: str, sighting: Sighting) -> None:
        if kind == "DELETED":
            self._ledger.forget(sighting.pointer.uid)
        else:
            self._ledger.see(sighting)

    def _read(self, document: Any) -> Sighting | None:
        try:
            return read_sighting(document)
        except MalformedMessageError as error:
            self._malformed(str(error))
            return None

    def _malformed(self, problem: str) -> None:
        self._metrics.malformed.inc()
        now = time.monotonic()
        if now - self._complained_at < _COMPLAINT_SECONDS:
            return
        self._complained_at = now
        logger.warning("skipped what the API server sent", extra={"error": problem})

    def _contact(self) -> None:
        self.contact_at = self.progress_at = time.monotonic()

    def _between(self, least: float, most: float) -> float:
        return least + (most - least) * self._random()
