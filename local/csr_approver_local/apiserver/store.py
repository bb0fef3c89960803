"""Objects under a lock, with resource versions and the history that watches read: etcd and its watch cache."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from csr_approver_local.apiserver.status import already_exists, not_found

# A fresh cluster's own objects come first; a client must not take small numbers for granted.
_FIRST_VERSION = 200


class Event(NamedTuple):
    """One change. `object` is what it was changed to (ADDED, MODIFIED) or its last state (DELETED)."""

    version: int
    type: str
    object: Mapping[str, Any]


class News(NamedTuple):
    """Events, and the resource version up to which they are complete."""

    events: list[Event]
    version: int


class Store:
    """Stored objects are replaced and never changed, so a reader needs no copy and a snapshot is shallow."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._objects: dict[str, Mapping[str, Any]] = {}
        self._version = self._history_starts_at = _FIRST_VERSION
        self._history: list[Event] = []
        self._snapshots: dict[int, Mapping[str, Mapping[str, Any]]] = {}
        self._closed = False

    def get(self, name: str) -> Mapping[str, Any]:
        """Raises StatusError 404."""
        with self._changed:
            try:
                return self._objects[name]
            except KeyError:
                raise not_found(name) from None

    def create(self, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises StatusError 409 if the name is taken."""
        with self._changed:
            name = obj["metadata"]["name"]
            if name in self._objects:
                raise already_exists(name)
            return self._record("ADDED", obj)

    def load(self, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put the object there whether or not there is one of that name."""
        with self._changed:
            return self._record("MODIFIED" if obj["metadata"]["name"] in self._objects else "ADDED", obj)

    def update(
        self, name: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]], *, dry_run: bool
    ) -> Mapping[str, Any]:
        """Replace an object by what `change` makes of it, with nobody in between. No difference is no write.

        Raises StatusError 404, and whatever `change` raises.
        """
        with self._changed:
            existing = self.get(name)
            changed = change(existing)
            return changed if dry_run or changed == existing else self._record("MODIFIED", changed)

    def delete(self, name: str) -> Mapping[str, Any]:
        """Raises StatusError 404."""
        with self._changed:
            return self._record("DELETED", self.get(name))

    def snapshot(self) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
        """The resource version now, and the objects by name."""
        with self._changed:
            return self._version, dict(self._objects)

    def keep(self, version: int, objects: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember a snapshot, for a list that is continued."""
        with self._changed:
            self._snapshots[version] = objects

    def kept(self, version: int) -> Mapping[str, Mapping[str, Any]] | None:
        """The snapshot of that resource version; None once the history was forgotten."""
        with self._changed:
            return self._snapshots.get(version)

    def history_starts_at(self) -> int:
        """The lowest resource version that a watch can start from."""
        with self._changed:
            return self._history_starts_at

    def forget_history(self) -> None:
        """What compaction and a new API server do: only the present state is known."""
        with self._changed:
            self._version += 1
            self._history_starts_at = self._version
            self._history.clear()
            self._snapshots.clear()

    def news(self, since: int, until: float) -> News | None:
        """The events after a resource version; waits for one until `until` (time.monotonic). None: closed."""
        with self._changed:
            while not self._closed:
                events = self._history[bisect_right(self._history, since, key=lambda event: event.version) :]
                remaining = until - time.monotonic()
                if events or remaining <= 0:
                    return News(events, self._version)
                self._changed.wait(min(remaining, threading.TIMEOUT_MAX))
            return None

    def close(self) -> None:
        """Let everyone go who waits for news."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _record(self, kind: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        self._version += 1
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}}
        if kind == "DELETED":
            del self._objects[stored["metadata"]["name"]]
        else:
            self._objects[stored["metadata"]["name"]] = stored
        self._history.append(Event(self._version, kind, stored))
        self._changed.notify_all()
        return stored
