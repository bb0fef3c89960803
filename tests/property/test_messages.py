"""Both ends of the CSR queue read the same: what one builds, the other parses."""

from dataclasses import replace
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from csr_approver.message import (
    MAX_TEXT,
    MAX_TROUBLES,
    Heartbeat,
    Pointer,
    Trouble,
    TroubledRequest,
    heartbeat_message,
    parse_message,
    pointer_message,
)

# Every character that a Python string can hold, half surrogate pairs among them.
CHARACTERS = st.characters(categories=None)
TEXTS = st.text(CHARACTERS, max_size=40) | st.text(CHARACTERS, min_size=MAX_TEXT, max_size=MAX_TEXT)
CLUSTERS = st.text(CHARACTERS, max_size=40)
COUNTS = st.integers(0, 1_000_000)
POINTERS = st.builds(
    Pointer,
    st.from_regex(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9-]{1,128}", fullmatch=True),
)
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}".zfill(20))
TROUBLED = st.builds(
    lambda trouble, pointer, requester, since, detail: TroubledRequest(
        trouble, pointer.name, pointer.uid, requester, since, detail
    ),
    st.sampled_from(Trouble),
    POINTERS,
    TEXTS,
    TIMES,
    TEXTS,
)
HEARTBEATS = st.builds(
    Heartbeat,
    watcher=TEXTS,
    version=TEXTS,
    pending=COUNTS,
    oldest_pending_seconds=st.floats(0, 1e7),
    not_issued=COUNTS,
    failed_by_signer=COUNTS,
    troubles=st.lists(TROUBLED, max_size=3).map(tuple),
    unreadable=st.just(0),
)


@settings(max_examples=200)
@given(CLUSTERS, POINTERS)
def test_a_pointer_comes_back_as_it_was(cluster: str, pointer: Pointer) -> None:
    assert parse_message(pointer_message(cluster, pointer), cluster) == pointer


@settings(max_examples=200)
@given(CLUSTERS, HEARTBEATS)
def test_a_heartbeat_comes_back_as_it_was(cluster: str, heartbeat: Heartbeat) -> None:
    assert parse_message(heartbeat_message(cluster, heartbeat), cluster) == heartbeat


@settings(max_examples=50)
@given(HEARTBEATS, TROUBLED, st.integers(1, MAX_TROUBLES + 50))
def test_of_too_many_troubles_the_first_come_back_and_the_rest_is_counted(
    heartbeat: Heartbeat, troubled: TroubledRequest, number: int
) -> None:
    many = replace(heartbeat, troubles=(troubled,) * number)
    read = min(number, MAX_TROUBLES)
    expected = replace(heartbeat, troubles=(troubled,) * read, unreadable=number - read)
    assert parse_message(heartbeat_message("demo", many), "demo") == expected


@settings(max_examples=200)
@given(
    HEARTBEATS,
    st.text(CHARACTERS, min_size=MAX_TEXT + 1, max_size=MAX_TEXT + 20),
    st.integers(1_000_001),
    st.floats(1e7, exclude_min=True, allow_nan=False),
)
def test_what_is_too_large_is_cut_and_no_reason_to_refuse_the_heartbeat(
    heartbeat: Heartbeat, text: str, count: int, seconds: float
) -> None:
    troubled = TroubledRequest(Trouble.NOT_ISSUED, "csr-1", "1", text, "2026-11-22T08:00:00Z", text)
    large = Heartbeat(text, text, count, seconds, count, count, (troubled,))
    cut = text[:MAX_TEXT]
    assert parse_message(heartbeat_message("demo", large), "demo") == Heartbeat(
        cut, cut, 1_000_000, 1e7, 1_000_000, 1_000_000, (replace(troubled, requester=cut, detail=cut),)
    )
