"""Whether the watcher lives (else restart it), and whether it does its work."""

import time
from collections.abc import Collection
from threading import Thread

from csr_watcher.reflector import Reflector

# Longer than any wait of the loop; a list of very many requests answers page by page.
_PROGRESS_SECONDS = 180.0
# A watch on a quiet cluster hears something each 45 s.
_CONTACT_SECONDS = 120.0
# Three heartbeats.
_BEAT_SECONDS = 180.0


class Health:
    """Read by the HTTP server and the heartbeat."""

    def __init__(self, reflector: Reflector, threads: Collection[Thread]) -> None:
        self._reflector, self._threads = reflector, threads
        self._beat_at: float | None = None

    def beaten(self) -> None:
        """A heartbeat is on the queue."""
        self._beat_at = time.monotonic()

    @property
    def trouble(self) -> str:
        """Why only a restart can help; empty if none is needed."""
        if dead := [thread.name for thread in self._threads if not thread.is_alive()]:
            return f"ended: {', '.join(dead)}"
        seconds = time.monotonic() - self._reflector.progress_at
        return f"no progress for {seconds:.0f} s" if seconds > _PROGRESS_SECONDS else ""

    @property
    def blindness(self) -> str:
        """Why it does not know what is pending; empty if it does."""
        if not self._reflector.synced.is_set():
            return "no complete list of requests yet"
        seconds = time.monotonic() - self._reflector.contact_at
        return f"no complete list and no watch for {seconds:.0f} s" if seconds > _CONTACT_SECONDS else ""

    @property
    def muteness(self) -> str:
        """Why nobody hears it; empty if the queue takes what it sends."""
        if self._beat_at is None:
            return "SQS has not taken a heartbeat yet"
        seconds = time.monotonic() - self._beat_at
        return f"SQS has taken no heartbeat for {seconds:.0f} s" if seconds > _BEAT_SECONDS else ""
