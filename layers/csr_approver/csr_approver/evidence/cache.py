"""What may be five minutes old (DESIGN 2.5): role and cluster facts, never instances or names."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from csr_approver.policy.observation import Observation, Seen

CACHE_SECONDS = 300
CACHE_ENTRIES = 1000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Remembers only what was Seen, for a bounded time and number; a fault or an absence is asked again."""

    def __init__(self, read: Callable[[K], Observation[V]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._entries: dict[K, tuple[float, Seen[V]]] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> Observation[V]:
        """What is remembered, or read now."""
        with self._lock:
            entry = self._entries.get(key)
        if entry and self._clock() < entry[0]:
            return entry[1]
        return self.renew(key)

    def renew(self, key: K) -> Observation[V]:
        """Read now, whatever is remembered."""
        answer = self._read(key)
        if isinstance(answer, Seen):
            with self._lock:
                self._entries.pop(key, None)
                if len(self._entries) >= CACHE_ENTRIES:
                    self._entries.pop(next(iter(self._entries)))
                self._entries[key] = (self._clock() + CACHE_SECONDS, answer)
        return answer
