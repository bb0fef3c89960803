"""Whether the watcher lives (else restart it), and whether it does its work."""

import time
from collections.abc import Collection
from threading import Thread

from csr_watcher.reflector import Reflector

# Longer than any wait of the loop; a list of very many requests answers page by page.
_PROGRESS_SECONDS = 180.0
# A watch on a quiet cluster hears something each 45 s.
_CONTACT_SECONDS = 120.0


class Health:
    """Read by the HTTP server and the heartbeat."""

    def __init__(self, reflector: Reflector, threads: Collection[Thread]) -> None:
        self._reflector, self._threads = reflector, threads

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
        return f"no answer of the API server for {seconds:.0f} s" if seconds > _CONTACT_SECONDS else ""
