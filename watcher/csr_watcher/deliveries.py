"""Which pending requests are owed to the queue, and when. No I/O, no clock: every time is seconds on the caller's own.

A request that stays pending is sent, and sent again on RESEND_SECONDS, until it is decided, gone, or older than
ABANDON_SECONDS. A send that failed is owed as before. Each message takes a token of its requester; where none is left,
only the newest request of that requester is owed, when the next token comes, and the others are superseded.
"""

import heapq
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum, auto

from csr_approver.message import Pointer
from csr_watcher.token_bucket import TokenBucket

# After a send, the next one; the last value repeats.
RESEND_SECONDS = (60.0, 120.0, 240.0, 300.0)
# The kubelet waits 15 min for its certificate, then makes a new request (kubelet, pkg/kubelet/certificate).
ABANDON_SECONDS = 20 * 60.0
_RETRY_SECONDS = 0.2
_LONGEST_RETRY_SECONDS = 2.0
# Times get up to that much later, so that what came together does not come together again.
_SPREAD = 0.1
_PURGE_SECONDS = 60.0
# Entries of a heap that may stand for nothing before it is made anew.
_SLACK = 16


class _State(Enum):
    WAITING = auto()  # for its time
    SHORT = auto()  # of a token: waits for the next
    IN_FLIGHT = auto()
    SUPERSEDED = auto()
    ENDED = auto()  # sent for good, or too old


@dataclass(slots=True, eq=False)
class _Delivery:
    pointer: Pointer
    requester: "_Requester"
    created: float
    seen: float
    order: int
    repeats: bool
    due: float = math.inf
    state: _State = _State.WAITING
    sends: int = 0
    failures: int = 0


@dataclass(slots=True, eq=False)
class _Requester:
    name: str
    bucket: TokenBucket
    # By uid; the heap has the newest first, and members that are no longer.
    members: dict[str, _Delivery] = field(default_factory=dict)
    newest_first: list[tuple[float, int, _Delivery]] = field(default_factory=list)

    def add(self, delivery: _Delivery) -> None:
        self.members[delivery.pointer.uid] = delivery
        heapq.heappush(self.newest_first, (-delivery.created, -delivery.order, delivery))
        # `newest` only clears the top: who always has something pending would pile up all that he ever asked.
        if len(self.newest_first) > 2 * len(self.members) + _SLACK:
            self.newest_first = [(-each.created, -each.order, each) for each in self.members.values()]
            heapq.heapify(self.newest_first)

    def newest(self) -> _Delivery | None:
        heap = self.newest_first
        while heap and self.members.get(heap[0][2].pointer.uid) is not heap[0][2]:
            heapq.heappop(heap)
        return heap[0][2] if heap else None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A pointer to send now. `created` and `seen` are on the caller's clock; `resend`: it was sent before."""

    pointer: Pointer
    requester: str
    created: float
    seen: float
    resend: bool


@dataclass(slots=True)
class Taken:
    """What `take` found due: some to send, and how many it gave up for now (superseded) or for good (abandoned)."""

    parcels: list[Parcel] = field(default_factory=list)
    superseded: int = 0
    abandoned: int = 0


class Deliveries:
    """Not thread-safe. `delay_seconds`: before a first send. `random` gives numbers from 0 to 1."""

    def __init__(self, delay_seconds: float, burst: int, refill_seconds: float, random: Callable[[], float]) -> None:
        self._delay_seconds = delay_seconds
        self._burst, self._refill_seconds = burst, refill_seconds
        self._random = random
        self._deliveries: dict[str, _Delivery] = {}
        self._requesters: dict[str, _Requester] = {}
        # Entries whose time is not their delivery's `due` any more are passed over.
        self._schedule: list[tuple[float, int, _Delivery]] = []
        self._order = 0
        self._purge_at = -math.inf

    def add(self, pointer: Pointer, requester: str, created: float, now: float, *, repeats: bool = True) -> None:
        """Owe this request from now on, if it is not known. `repeats` False: once is enough, also if it is known."""
        if known := self._deliveries.get(pointer.uid):
            if not repeats:
                self._send_once(known, now)
                return
            if known.state is not _State.ENDED or now - created >= ABANDON_SECONDS:
                return
            # Given up as too old by a clock that was wrong.
            del self._deliveries[pointer.uid]
        owner = self._requesters.get(requester)
        if owner is None:
            bucket = TokenBucket(self._burst, self._refill_seconds, now)
            owner = self._requesters[requester] = _Requester(requester, bucket)
        self._order += 1
        delivery = _Delivery(pointer, owner, created, seen=now, order=self._order, repeats=repeats)
        self._deliveries[pointer.uid] = delivery
        owner.add(delivery)
        self._wait(delivery, now + self._delay_seconds)

    def forget(self, uid: str, now: float) -> None:
        """It is decided or gone."""
        delivery = self._deliveries.pop(uid, None)
        if delivery is not None:
            self._end(delivery, now)

    def retain(self, uids: Collection[str], now: float) -> None:
        """Forget all but these: a complete list has just shown what there is."""
        for uid in [uid for uid in self._deliveries if uid not in uids]:
            self.forget(uid, now)

    def take(self, now: float, most: int) -> Taken:
        """Up to `most` parcels that are due, the longest due first. Each is to be answered by `sent` or `failed`."""
        self._purge(now)
        taken = Taken()
        while len(taken.parcels) < most and self.next_due() <= now:
            delivery = heapq.heappop(self._schedule)[2]
            if now - delivery.created >= ABANDON_SECONDS:
                self._end(delivery, now)
                taken.abandoned += 1
            elif not self._stands_back(delivery) and delivery.requester.bucket.take(now):
                self._fly(delivery, taken)
            elif delivery.requester.newest() is not delivery:
                delivery.state, delivery.due = _State.SUPERSEDED, math.inf
                taken.superseded += 1
            else:
                self._wait(delivery, delivery.requester.bucket.next_token_at(now), _State.SHORT)
        return taken

    def next_due(self) -> float:
        """When `take` will give something, or sooner; infinite if nothing waits."""
        while self._schedule and self._schedule[0][0] != self._schedule[0][2].due:
            heapq.heappop(self._schedule)
        return self._schedule[0][0] if self._schedule else math.inf

    def sent(self, uid: str, now: float) -> None:
        """It is on the queue."""
        delivery = self._in_flight(uid)
        if delivery is None:
            return
        delivery.sends, delivery.failures = delivery.sends + 1, 0
        if delivery.repeats:
            self._wait(delivery, now + self._spread(RESEND_SECONDS[min(delivery.sends, len(RESEND_SECONDS)) - 1]))
        else:
            self._end(delivery, now)

    def failed(self, uid: str, now: float) -> None:
        """It is not, or nobody knows: owed as before, a little later."""
        delivery = self._in_flight(uid)
        if delivery is None:
            return
        delivery.requester.bucket.give_back(now)
        seconds = min(_RETRY_SECONDS * 2 ** min(delivery.failures, 10), _LONGEST_RETRY_SECONDS)
        delivery.failures += 1
        # From nothing to the whole of it: a thousand that failed together must not come back together.
        self._wait(delivery, now + seconds * self._random())

    def _stands_back(self, delivery: _Delivery) -> bool:
        """The next token is for the newest, once one of them has to wait for it."""
        newest = delivery.requester.newest()
        return newest is not delivery and (
            delivery.state is _State.SHORT or (newest is not None and newest.state is _State.SHORT)
        )

    def _send_once(self, delivery: _Delivery, now: float) -> None:
        delivery.repeats = False
        if delivery.sends and delivery.state is not _State.IN_FLIGHT:
            self._end(delivery, now)

    def _in_flight(self, uid: str) -> _Delivery | None:
        """None: decided or gone while it was on its way."""
        delivery = self._deliveries.get(uid)
        return delivery if delivery is not None and delivery.state is _State.IN_FLIGHT else None

    def _fly(self, delivery: _Delivery, taken: Taken) -> None:
        delivery.state, delivery.due = _State.IN_FLIGHT, math.inf
        taken.parcels.append(
            Parcel(
                delivery.pointer, delivery.requester.name, delivery.created, delivery.seen, resend=delivery.sends > 0
            )
        )

    def _wait(self, delivery: _Delivery, until: float, state: _State = _State.WAITING) -> None:
        delivery.state, delivery.due = state, until
        heapq.heappush(self._schedule, (until, delivery.order, delivery))

    def _end(self, delivery: _Delivery, now: float) -> None:
        """Nothing is owed for it any more; it may have stood before another of its requester."""
        delivery.state, delivery.due = _State.ENDED, math.inf
        delivery.requester.members.pop(delivery.pointer.uid, None)
        newest = delivery.requester.newest()
        if newest is not None and newest.state is _State.SUPERSEDED:
            self._wait(newest, now)

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + _SPREAD * self._random())

    def _purge(self, now: float) -> None:
        """A requester with nothing pending is remembered until its bucket is full: else it could begin anew."""
        if now < self._purge_at:
            return
        self._purge_at = now + _PURGE_SECONDS
        idle = [name for name, owner in self._requesters.items() if not owner.members and owner.bucket.full(now)]
        for name in idle:
            del self._requesters[name]
