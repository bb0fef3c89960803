"""Where the threads meet: the reflector tells what it sees, the senders take what is due."""

import time
from collections.abc import Collection
from threading import Condition, Lock

from csr_watcher.deliveries import ABANDON_SECONDS, Deliveries, Parcel
from csr_watcher.follow_up import Case, FollowUp, Gauges
from csr_watcher.metrics import Metrics
from csr_watcher.server_clock import ServerClock
from csr_watcher.sighting import Sighting, Stage

# What a batch of SQS takes, and how long its first message waits for company.
_BATCH = 10
_LINGER_SECONDS = 0.005
# On closing, what has just failed is tried again.
_CLOSING_SECONDS = 1.0

# With `forward_approved`, what somebody else decided in our favour.
_APPROVED = frozenset({Stage.APPROVED, Stage.ISSUED})


class Ledger:
    """Deliveries and follow-up behind one lock. `now` of both is time.monotonic()."""

    def __init__(self, deliveries: Deliveries, clock: ServerClock, metrics: Metrics, *, forward_approved: bool) -> None:
        self._deliveries = deliveries
        self._follow_up = FollowUp()
        self._clock, self._metrics = clock, metrics
        self._forward_approved = forward_approved
        self._changed = Condition(Lock())
        self._collecting = Lock()
        self._in_flight = 0
        self._closing = False

    def see(self, sighting: Sighting) -> None:
        """A request as it is now."""
        uid = sighting.pointer.uid
        if not sighting.live:
            self.forget(uid)
            return
        now = time.monotonic()
        created, since = self._clock.monotonic(sighting.created_at), self._clock.monotonic(sighting.since)
        with self._changed:
            self._follow_up.see(sighting, created, max(created, since))
            if sighting.stage is Stage.PENDING:
                self._deliveries.add(sighting.pointer, sighting.requester, created, now)
            elif self._forward_approved and sighting.stage in _APPROVED and now - created < ABANDON_SECONDS:
                self._deliveries.add(sighting.pointer, sighting.requester, created, now, repeats=False)
            else:
                self._deliveries.forget(uid, now)
            self._changed.notify()

    def forget(self, uid: str) -> None:
        """It is gone."""
        with self._changed:
            self._follow_up.forget(uid)
            self._deliveries.forget(uid, time.monotonic())
            self._changed.notify()

    def retain(self, uids: Collection[str]) -> None:
        """A complete list has shown these, and no other."""
        with self._changed:
            self._follow_up.retain(uids)
            self._deliveries.retain(uids, time.monotonic())
            self._changed.notify()

    def collect(self) -> list[Parcel]:
        """Wait until something is due; up to ten, to be answered by `settle`. Empty: closed, and nothing is due."""
        with self._collecting:
            parcels = self._wait_for_parcels()
            if parcels and len(parcels) < _BATCH:
                time.sleep(_LINGER_SECONDS)
                with self._changed:
                    parcels += self._take(_BATCH - len(parcels))
            return parcels

    def settle(self, sent: Collection[Parcel], failed: Collection[Parcel]) -> None:
        """What became of parcels that were collected."""
        now = time.monotonic()
        with self._changed:
            self._in_flight -= len(sent) + len(failed)
            for parcel in sent:
                self._deliveries.sent(parcel.pointer.uid, now)
            for parcel in failed:
                self._deliveries.failed(parcel.pointer.uid, now)
            self._changed.notify_all()
        self._metrics.send_failures.inc(len(failed))
        self._metrics.sent.inc(len(sent))
        for parcel in sent:
            if parcel.resend:
                self._metrics.resent.inc()
            else:
                self._metrics.created_to_sent.observe(now - parcel.created)
                self._metrics.seen_to_sent.observe(now - parcel.seen)

    def gauges(self) -> Gauges:
        """As of now."""
        with self._changed:
            return self._follow_up.gauges(time.monotonic())

    def news(self, most: int) -> list[Case]:
        """Cases not reported yet."""
        with self._changed:
            return self._follow_up.news(time.monotonic(), most)

    def reported(self, cases: Collection[Case]) -> None:
        """These are on the queue."""
        with self._changed:
            self._follow_up.reported(cases)

    def close(self) -> None:
        """From now on, `collect` waits no longer for something to become due."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _wait_for_parcels(self) -> list[Parcel]:
        with self._changed:
            while True:
                if parcels := self._take(_BATCH):
                    return parcels
                seconds = self._deliveries.next_due() - time.monotonic()
                if self._closing and not self._in_flight and seconds > _CLOSING_SECONDS:
                    return []
                self._changed.wait(min(max(seconds, 0.0), 60.0))

    def _take(self, most: int) -> list[Parcel]:
        taken = self._deliveries.take(time.monotonic(), most)
        self._metrics.superseded.inc(taken.superseded)
        self._metrics.abandoned.inc(taken.abandoned)
        self._in_flight += len(taken.parcels)
        return taken.parcels
