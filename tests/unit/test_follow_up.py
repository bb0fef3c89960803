"""What became of requests: pending, approved and not issued, failed by the signer."""

from datetime import UTC, datetime

import pytest

from csr_approver.message import Pointer, Trouble
from csr_watcher.follow_up import FollowUp, Gauges
from csr_watcher.sighting import Sighting, Stage

AT = datetime(2026, 11, 25, tzinfo=UTC)


def sighting(uid: str, stage: Stage) -> Sighting:
    return Sighting(Pointer(f"csr-{uid}", uid), True, "system:node:a", AT, stage, AT, "")


def test_an_empty_cluster_has_nothing_pending() -> None:
    assert FollowUp().gauges(1_000) == Gauges(0, 0.0, 0, 0)


def test_pending_requests_are_counted_and_the_oldest_gives_the_age() -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", Stage.PENDING), created=100, since=100)
    follow_up.see(sighting("2", Stage.PENDING), created=50, since=50)
    follow_up.see(sighting("3", Stage.DENIED), created=10, since=20)
    assert follow_up.gauges(200) == Gauges(2, 150, 0, 0)


@pytest.mark.parametrize(
    ("stage", "age", "trouble"),
    [
        (Stage.APPROVED, 60, None),
        (Stage.APPROVED, 61, Trouble.NOT_ISSUED),
        (Stage.APPROVED, 3_600, Trouble.NOT_ISSUED),
        (Stage.APPROVED, 3_601, None),
        (Stage.FAILED, 0, Trouble.FAILED_BY_SIGNER),
        (Stage.FAILED, 3_600, Trouble.FAILED_BY_SIGNER),
        (Stage.FAILED, 3_601, None),
        (Stage.ISSUED, 100, None),
        (Stage.DENIED, 100, None),
        (Stage.PENDING, 1_000, None),
    ],
)
def test_what_is_a_trouble(stage: Stage, age: float, trouble: Trouble | None) -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", stage), created=0, since=1_000)
    assert [case.trouble for case in follow_up.news(1_000 + age, 10)] == ([trouble] if trouble else [])
    gauges = follow_up.gauges(1_000 + age)
    assert (gauges.not_issued, gauges.failed_by_signer) == (
        int(trouble is Trouble.NOT_ISSUED),
        int(trouble is Trouble.FAILED_BY_SIGNER),
    )


def test_a_trouble_is_news_until_it_is_reported_and_counts_on() -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", Stage.APPROVED), created=0, since=0)
    assert follow_up.news(100, 10) == follow_up.news(101, 10)
    follow_up.reported(follow_up.news(102, 10))
    assert follow_up.news(103, 10) == []
    assert follow_up.gauges(103).not_issued == 1


def test_another_trouble_of_the_same_request_is_news_again() -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", Stage.APPROVED), created=0, since=0)
    follow_up.reported(follow_up.news(100, 10))
    follow_up.see(sighting("1", Stage.FAILED), created=0, since=101)
    assert [case.trouble for case in follow_up.news(101, 10)] == [Trouble.FAILED_BY_SIGNER]


def test_a_later_look_does_not_move_the_time_of_the_approval() -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", Stage.APPROVED), created=0, since=0)
    follow_up.see(sighting("1", Stage.APPROVED), created=0, since=50)
    assert follow_up.gauges(61).not_issued == 1


def test_an_age_by_a_wrong_clock_is_mended_by_a_later_look() -> None:
    follow_up = FollowUp()
    follow_up.see(sighting("1", Stage.PENDING), created=-1e9, since=0)
    follow_up.see(sighting("1", Stage.PENDING), created=90, since=90)
    assert follow_up.gauges(100).oldest_pending_seconds == 10


def test_news_are_bounded_and_none_is_lost() -> None:
    follow_up = FollowUp()
    for number in range(250):
        follow_up.see(sighting(str(number), Stage.FAILED), created=0, since=0)
    told = []
    for _ in range(3):
        cases = follow_up.news(1, 100)
        follow_up.reported(cases)
        told.append(len(cases))
    assert told == [100, 100, 50]


def test_what_is_gone_is_forgotten() -> None:
    follow_up = FollowUp()
    for uid in ("1", "2", "3"):
        follow_up.see(sighting(uid, Stage.PENDING), created=0, since=0)
    follow_up.forget("1")
    follow_up.retain({"2"})
    assert follow_up.gauges(1).pending == 1
