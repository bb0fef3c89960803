"""Whatever is added, decided, lost and restarted, in any order: what stays pending is sent, and floods are bounded."""

import math
from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from csr_approver.message import Pointer
from csr_watcher.deliveries import ABANDON_SECONDS, Deliveries, Parcel

BURST, REFILL_SECONDS = 1, 10.0
REQUESTERS = st.sampled_from(["system:node:a", "system:node:b"])


class Queue(RuleBasedStateMachine):
    """A cluster with its pending requests, a watcher that may be restarted, and a queue that may fail.

    The model knows who asked for what and when, and which of it came to the queue since the watcher (re)started.
    """

    @initialize(delay_seconds=st.sampled_from([0.0, 5.0]))
    def begin(self, delay_seconds: float) -> None:
        self.now = 0.0
        self.delay_seconds = delay_seconds
        self.number = 0
        self.pending: dict[str, tuple[Pointer, str, float]] = {}
        self.in_flight: list[Parcel] = []
        self.sent: dict[str, list[float]] = defaultdict(list)
        self.sends: dict[str, list[float]] = defaultdict(list)
        self.deliveries = self.started()

    def started(self) -> Deliveries:
        return Deliveries(self.delay_seconds, BURST, REFILL_SECONDS, lambda: 0.5)

    @rule(requester=REQUESTERS, age=st.floats(0, 30))
    def ask(self, requester: str, age: float) -> None:
        self.number += 1
        pointer = Pointer(f"csr-{self.number}", str(self.number))
        self.pending[pointer.uid] = (pointer, requester, self.now - age)
        self.deliveries.add(pointer, requester, self.now - age, self.now)

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        if self.pending:
            uid = data.draw(st.sampled_from(sorted(self.pending)))
            del self.pending[uid]
            self.deliveries.forget(uid, self.now)

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(most=st.integers(1, 10))
    def take(self, most: int) -> None:
        self.in_flight += self.deliveries.take(self.now, most).parcels

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if self.in_flight:
            parcel = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
            if data.draw(st.booleans()):
                self.deliver(parcel)
            else:
                self.deliveries.failed(parcel.pointer.uid, self.now)

    @rule()
    def list_again(self) -> None:
        self.deliveries.retain(self.pending.keys(), self.now)
        self.show_all()

    @rule()
    def restart(self) -> None:
        self.deliveries = self.started()
        self.in_flight, self.sent = [], defaultdict(list)
        self.sends.clear()
        self.show_all()

    @invariant()
    def no_requester_has_more_than_its_share(self) -> None:
        for times in self.sends.values():
            for first in range(len(times)):
                window = times[first:]
                assert len(window) <= BURST + math.floor((window[-1] - window[0]) / REFILL_SECONDS + 1e-6) + 1

    def teardown(self) -> None:
        """From here on nothing fails: the newest pending request of each requester has to come to the queue."""
        if not hasattr(self, "deliveries"):
            return
        for parcel in self.in_flight:
            self.deliveries.failed(parcel.pointer.uid, self.now)
        deadline = self.now + ABANDON_SECONDS
        while (due := self.deliveries.next_due()) <= deadline:
            self.now = max(self.now, due)
            for parcel in self.deliveries.take(self.now, 10).parcels:
                self.deliver(parcel)
                self.no_requester_has_more_than_its_share()
        by_requester: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
        for uid, (_, requester, created) in self.pending.items():
            by_requester[requester].append((created, int(uid), uid))
        for requests in by_requester.values():
            assert self.sent[max(requests)[2]], "the newest request of a requester was never sent"

    def deliver(self, parcel: Parcel) -> None:
        self.sent[parcel.pointer.uid].append(self.now)
        self.sends[parcel.requester].append(self.now)
        self.deliveries.sent(parcel.pointer.uid, self.now)

    def show_all(self) -> None:
        for pointer, requester, created in self.pending.values():
            self.deliveries.add(pointer, requester, created, self.now)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("burst", [1, 10])
def test_decided_one_by_one_every_request_of_a_flood_is_sent_in_the_end(burst: int) -> None:
    """An approver that works lets nothing be superseded for good."""
    now = 0.0
    deliveries = Deliveries(0.0, burst, 1.0, lambda: 0.0)
    for number in range(100):
        deliveries.add(Pointer(f"csr-{number}", str(number)), "system:node:a", now, now)
    decided = set()
    while (due := deliveries.next_due()) < math.inf:
        now = max(now, due)
        for parcel in deliveries.take(now, 10).parcels:
            deliveries.sent(parcel.pointer.uid, now)
            deliveries.forget(parcel.pointer.uid, now)
            decided.add(parcel.pointer.uid)
    assert len(decided) == 100
