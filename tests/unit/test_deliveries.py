"""When a pending request is sent, with a clock of the test's own."""

import math

import pytest

from csr_approver.message import Pointer
from csr_watcher.deliveries import ABANDON_SECONDS, Deliveries, Parcel, Taken

NODE, OTHER_NODE = "system:node:a", "system:node:b"


class Clocked:
    """Deliveries and a clock; what chance may add to a time is not added."""

    def __init__(self, delay_seconds: float = 0.0, burst: int = 10, refill_seconds: float = 10.0) -> None:
        self.now = 1_000.0
        self.deliveries = Deliveries(delay_seconds, burst, refill_seconds, lambda: 0.0)

    def add(self, uid: str, requester: str = NODE, *, age: float = 0.0, repeats: bool = True) -> None:
        created = self.now - age
        self.deliveries.add(Pointer(f"csr-{uid}", uid), requester, created, self.now, repeats=repeats)

    def take(self, most: int = 1_000) -> Taken:
        return self.deliveries.take(self.now, most)

    def send(self) -> list[str]:
        """Send all that is due."""
        parcels = self.take().parcels
        for parcel in parcels:
            self.deliveries.sent(parcel.pointer.uid, self.now)
        return uids(parcels)

    def sent_until(self, end: float) -> list[float]:
        """Send whatever comes due; the times at which something was."""
        times = []
        while (due := self.deliveries.next_due()) <= end:
            self.now = max(self.now, due)
            if self.send():
                times.append(self.now)
        return times


def uids(parcels: list[Parcel]) -> list[str]:
    return [parcel.pointer.uid for parcel in parcels]


def test_a_new_request_is_due_at_once() -> None:
    clocked = Clocked()
    clocked.add("1")
    assert clocked.take().parcels == [Parcel(Pointer("csr-1", "1"), NODE, created=1_000, seen=1_000, resend=False)]


def test_another_replica_waits_five_seconds_and_sends_nothing_that_is_decided_by_then() -> None:
    clocked = Clocked(delay_seconds=5)
    clocked.add("decided")
    clocked.add("pending")
    clocked.now += 4.9
    clocked.deliveries.forget("decided", clocked.now)
    assert clocked.send() == []
    clocked.now += 0.1
    assert clocked.send() == ["pending"]


def test_a_pending_request_is_sent_again_and_again_until_the_kubelet_has_given_up() -> None:
    clocked = Clocked()
    clocked.add("1")
    times = clocked.sent_until(clocked.now + 10_000)
    assert [time - 1_000 for time in times] == [0, 60, 180, 420, 720, 1_020]
    assert ABANDON_SECONDS == 1_200


def test_the_age_counts_from_the_creation_not_from_the_first_sight() -> None:
    clocked = Clocked()
    clocked.add("1", age=1_100)
    assert len(clocked.sent_until(clocked.now + 10_000)) == 2


def test_a_request_too_old_at_first_sight_is_counted_as_abandoned() -> None:
    clocked = Clocked()
    clocked.add("old", age=ABANDON_SECONDS)
    clocked.add("just in time", age=ABANDON_SECONDS - 1)
    taken = clocked.take()
    assert uids(taken.parcels) == ["just in time"]
    assert taken.abandoned == 1


def test_what_a_wrong_clock_called_too_old_is_owed_again_when_the_clock_is_right() -> None:
    clocked = Clocked()
    clocked.add("1", age=1e9)
    assert clocked.take().abandoned == 1
    clocked.add("1", age=ABANDON_SECONDS)
    assert clocked.send() == []
    clocked.add("1", age=5)
    assert clocked.send() == ["1"]


def test_a_second_look_changes_nothing() -> None:
    clocked = Clocked()
    clocked.add("1")
    assert clocked.send() == ["1"]
    clocked.add("1")
    assert clocked.send() == []


@pytest.mark.parametrize("on_its_way", [True, False], ids=["on its way", "waiting"])
def test_a_decided_request_is_forgotten(on_its_way: bool) -> None:
    clocked = Clocked()
    clocked.add("1")
    if on_its_way:
        clocked.take()
    clocked.deliveries.forget("1", clocked.now)
    clocked.deliveries.failed("1", clocked.now)
    assert clocked.deliveries.next_due() == math.inf


def test_a_complete_list_forgets_what_is_not_in_it() -> None:
    clocked = Clocked()
    clocked.add("gone")
    clocked.add("there")
    clocked.deliveries.retain({"there", "new"}, clocked.now)
    assert clocked.send() == ["there"]


def test_what_is_on_its_way_is_not_taken_again() -> None:
    clocked = Clocked()
    clocked.add("1")
    assert uids(clocked.take().parcels) == ["1"]
    assert uids(clocked.take().parcels) == []


def test_a_failed_send_stays_owed_and_is_tried_less_and_less_often() -> None:
    clocked = Clocked()
    clocked.deliveries = Deliveries(0, 10, 10, lambda: 1.0)
    clocked.add("1")
    waits = []
    for _ in range(8):
        assert uids(clocked.take().parcels) == ["1"]
        clocked.deliveries.failed("1", clocked.now)
        waits.append(round(clocked.deliveries.next_due() - clocked.now, 3))
        clocked.now = clocked.deliveries.next_due()
    assert waits == [0.2, 0.4, 0.8, 1.6, 2, 2, 2, 2]


def test_a_success_ends_a_series_of_failures() -> None:
    clocked = Clocked()
    clocked.deliveries = Deliveries(0, 10, 10, lambda: 1.0)
    clocked.add("1")
    clocked.take()
    clocked.deliveries.failed("1", clocked.now)
    clocked.now += 1
    assert clocked.send() == ["1"]
    clocked.now += 70
    clocked.take()
    clocked.deliveries.failed("1", clocked.now)
    assert clocked.deliveries.next_due() - clocked.now == pytest.approx(0.2)


def test_the_longest_due_come_first() -> None:
    clocked = Clocked()
    clocked.add("1", "a")
    clocked.now += 1
    clocked.add("2", "b")
    clocked.now += 1
    clocked.add("3", "c")
    assert uids(clocked.take(2).parcels) == ["1", "2"]


class TestFlood:
    """Per requester: ten messages at once, then one each ten seconds, for the newest request."""

    def test_ten_at_once_then_the_newest_alone(self) -> None:
        clocked = Clocked()
        for number in range(100):
            clocked.add(str(number), age=100 - number)
        taken = clocked.take()
        assert uids(taken.parcels) == [str(number) for number in range(10)]
        assert taken.superseded == 89
        clocked.now += 10
        assert uids(clocked.take().parcels) == ["99"]

    def test_another_requester_is_not_held_up(self) -> None:
        clocked = Clocked()
        for number in range(100):
            clocked.add(str(number))
        clocked.add("other", OTHER_NODE)
        assert "other" in uids(clocked.take().parcels)

    def test_one_that_comes_later_takes_the_place_of_the_newest(self) -> None:
        clocked = Clocked(burst=1)
        clocked.add("first")
        assert clocked.send() == ["first"]
        clocked.now += 1
        clocked.add("second")
        assert clocked.send() == []
        clocked.now += 1
        clocked.add("third")
        assert clocked.send() == []
        clocked.now += 8
        taken = clocked.take()
        assert (uids(taken.parcels), taken.superseded) == (["third"], 1)

    def test_the_next_token_is_for_the_newest_though_another_one_is_due_before_it(self) -> None:
        """As where every sender was held up for a while."""
        clocked = Clocked(burst=1, refill_seconds=61)
        clocked.add("sent before")
        assert clocked.send() == ["sent before"]
        clocked.now += 1
        clocked.add("newest")
        assert clocked.send() == []
        clocked.now += 100
        assert clocked.send() == ["newest"]

    @pytest.mark.parametrize("end", ["decided", "sent once"])
    def test_when_the_newest_is_done_the_one_before_it_is_owed(self, end: str) -> None:
        clocked = Clocked(burst=1)
        clocked.add("0")
        clocked.send()
        clocked.deliveries.forget("0", clocked.now)
        clocked.add("older")
        clocked.add("newest", repeats=end != "sent once")
        assert clocked.take().superseded == 1
        clocked.now += 10
        assert clocked.send() == ["newest"]
        if end == "decided":
            clocked.deliveries.forget("newest", clocked.now)
        assert clocked.send() == []
        clocked.now += 10
        assert clocked.send() == ["older"]

    def test_a_send_that_failed_costs_nothing(self) -> None:
        clocked = Clocked(burst=1)
        clocked.add("1")
        for _ in range(5):
            assert uids(clocked.take().parcels) == ["1"]
            clocked.deliveries.failed("1", clocked.now)

    def test_going_away_does_not_fill_the_bucket(self) -> None:
        clocked = Clocked(burst=2)
        for number in range(2):
            clocked.add(str(number))
            assert clocked.send()
            clocked.deliveries.forget(str(number), clocked.now)
        clocked.now += 1
        clocked.add("2")
        assert clocked.send() == []

    def test_whoever_always_has_one_pending_does_not_pile_up_those_that_were(self) -> None:
        clocked = Clocked()
        for number in range(1_000):
            clocked.now += 1
            clocked.add(str(number))
            clocked.deliveries.forget(str(number - 1), clocked.now)
        assert len(clocked.deliveries._requesters[NODE].newest_first) < 50
        clocked.now += 1_000
        assert clocked.send() == ["999"]

    def test_a_requester_at_rest_is_forgotten(self) -> None:
        clocked = Clocked()
        for number in range(1_000):
            clocked.add(str(number), f"system:node:{number}")
        clocked.send()
        clocked.deliveries.retain(set(), clocked.now)
        clocked.now += 1_000
        clocked.add("one more")
        clocked.take()
        assert len(clocked.deliveries._requesters) == 1


class TestOnce:
    """Requests that somebody else approved, forwarded to a stack that only observes."""

    def test_is_sent_once(self) -> None:
        clocked = Clocked()
        clocked.add("1", repeats=False)
        assert len(clocked.sent_until(clocked.now + 10_000)) == 1

    def test_is_tried_until_it_is_sent(self) -> None:
        clocked = Clocked()
        clocked.add("1", repeats=False)
        clocked.take()
        clocked.deliveries.failed("1", clocked.now)
        assert len(clocked.sent_until(clocked.now + 10_000)) == 1

    def test_what_was_sent_while_it_was_pending_is_not_sent_again(self) -> None:
        clocked = Clocked()
        clocked.add("1")
        clocked.send()
        clocked.add("1", repeats=False)
        assert clocked.sent_until(clocked.now + 10_000) == []

    def test_what_was_approved_on_its_way_is_not_sent_again(self) -> None:
        clocked = Clocked()
        clocked.add("1")
        clocked.take()
        clocked.add("1", repeats=False)
        clocked.deliveries.sent("1", clocked.now)
        assert clocked.sent_until(clocked.now + 10_000) == []

    def test_what_was_approved_before_it_could_be_sent_is_sent(self) -> None:
        clocked = Clocked()
        clocked.add("1")
        clocked.add("1", repeats=False)
        assert len(clocked.sent_until(clocked.now + 10_000)) == 1
