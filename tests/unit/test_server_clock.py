"""Ages by the API server's clock."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from csr_watcher.server_clock import ServerClock


def age(clock: ServerClock, at: datetime) -> float:
    return time.monotonic() - clock.monotonic(at)


def heard(offset: timedelta) -> ServerClock:
    clock = ServerClock()
    clock.hear(format_datetime(datetime.now(UTC) + offset, usegmt=True))
    return clock


@pytest.mark.parametrize("hours", [-5, 0, 5])
def test_an_age_is_what_the_server_would_say(hours: int) -> None:
    offset = timedelta(hours=hours)
    created = datetime.now(UTC) + offset - timedelta(seconds=100)
    assert age(heard(offset), created) == pytest.approx(100, abs=2.5)


def test_a_second_is_no_difference() -> None:
    assert age(heard(timedelta(seconds=1)), datetime.now(UTC) - timedelta(seconds=100)) == pytest.approx(100, abs=0.1)


def test_what_is_yet_to_come_has_no_age() -> None:
    assert age(ServerClock(), datetime.now(UTC) + timedelta(hours=1)) == pytest.approx(0, abs=0.1)


def test_equal_times_stay_equal() -> None:
    clock, at = heard(timedelta(hours=1)), datetime.now(UTC)
    assert len({clock.monotonic(at) for _ in range(1_000)}) == 1


@pytest.mark.parametrize("header", [None, "", "yesterday", "Wed, 99 Nov 2026 08:00:00 GMT", "0"])
def test_what_is_no_date_changes_nothing(header: str | None) -> None:
    clock = ServerClock()
    clock.hear(header)
    assert age(clock, datetime.now(UTC) - timedelta(seconds=100)) == pytest.approx(100, abs=0.1)
