"""What may be five minutes old is remembered, and nothing else."""

import pytest

from csr_approver.evidence.cache import CACHE_ENTRIES, CACHE_SECONDS, ExpiringCache
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable


class Source:
    """Answers each key with a number that grows with every question, at a time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[int] = []
        self.answer: Observation[int] | None = None
        self.cache: ExpiringCache[int, int] = ExpiringCache(self._read, lambda: self.now)

    def _read(self, key: int) -> Observation[int]:
        self.asked.append(key)
        return self.answer or Seen(len(self.asked))


def test_what_was_seen_is_remembered_for_five_minutes() -> None:
    source = Source()
    assert source.cache.get(7) == Seen(1)
    source.now += CACHE_SECONDS - 0.1
    assert source.cache.get(7) == Seen(1)
    source.now += 0.1
    assert source.cache.get(7) == Seen(2)
    assert CACHE_SECONDS == 300


def test_each_key_is_remembered_by_itself() -> None:
    source = Source()
    assert [source.cache.get(1), source.cache.get(2), source.cache.get(1)] == [Seen(1), Seen(2), Seen(1)]


@pytest.mark.parametrize("answer", [Absent("no such role"), Unavailable("throttled")], ids=["absence", "a fault"])
def test_anything_else_is_asked_again(answer: Observation[int]) -> None:
    source = Source()
    source.answer = answer
    assert [source.cache.get(1), source.cache.get(1)] == [answer, answer]
    source.answer = None
    assert source.cache.get(1) == Seen(3)


def test_a_fault_does_not_prolong_what_was_seen() -> None:
    source = Source()
    source.cache.get(1)
    source.now += CACHE_SECONDS
    source.answer = Unavailable("throttled")
    assert source.cache.get(1) == Unavailable("throttled")


def test_the_oldest_of_too_many_is_forgotten() -> None:
    source = Source()
    for key in range(CACHE_ENTRIES + 1):
        source.cache.get(key)
    source.asked.clear()
    for key in range(1, CACHE_ENTRIES + 1):
        source.cache.get(key)
    assert source.asked == []
    source.cache.get(0)
    assert source.asked == [0]


def test_a_key_that_is_read_anew_counts_as_new() -> None:
    source = Source()
    for key in range(CACHE_ENTRIES):
        source.cache.get(key)
    source.now += CACHE_SECONDS
    source.cache.get(0)
    source.cache.get(CACHE_ENTRIES)
    source.asked.clear()
    source.cache.get(0)
    assert source.asked == []
