"""List and watch, whatever the API server does: what is pending is on the queue in the end, and nobody is hammered."""

import copy
import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from csr_approver.message import Pointer
from csr_approver_local.kubernetes_api import CSRS_PATH
from csr_watcher import api, health, reflector
from csr_watcher.watcher import Watcher
from tests.contract.api_server.clusters import LocalCluster
from tests.support.requests import signing_request
from tests.watcher.harness import Scene, metric, wait_until
from tests.watcher.in_pod import in_pod
from tests.watcher.scripted import Say, ScriptedServer, bookmark, ends, event, listing, refusal, then_open


def restarts(watcher: Watcher, cause: str) -> float:
    return metric(watcher, "watch_restarts_total", cause=cause)


class TestDisturbedApiServer:
    """On the local API server and on a real one."""

    def test_a_restart_loses_nothing(self, scene: Scene) -> None:
        watcher = scene.watch()
        wait_until(lambda: metric(watcher, "lists_total"))
        before = scene.ask()
        scene.await_pointers([before])
        scene.cluster.restart()
        after = ask_until_answered(scene)
        scene.await_pointers([before, after], seconds=20)

    def test_a_forgotten_history_is_listed_again(self, scene: Scene) -> None:
        watcher = scene.watch()
        wait_until(lambda: metric(watcher, "lists_total"))
        scene.cluster.forget_history()
        after = ask_until_answered(scene)
        scene.await_pointers([after], seconds=20)
        assert metric(watcher, "lists_total") > 1

    def test_what_was_decided_meanwhile_is_forgotten(self, scene: Scene) -> None:
        watcher = scene.watch()
        pointers = [scene.ask() for _ in range(3)]
        scene.await_pointers(pointers)
        scene.decide(pointers[0])
        scene.decide(pointers[1], "Denied")
        scene.admin.delete(pointers[2].name)
        wait_until(lambda: watcher.ledger.gauges().pending == 0)

    def test_a_list_of_many_pages(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "_PAGE_SIZE", 7)
        pointers = [scene.ask() for _ in range(20)]
        watcher = scene.watch()
        scene.await_pointers(pointers)
        wait_until(lambda: metric(watcher, "lists_total"))
        assert watcher.ledger.gauges().pending == 20


def ask_until_answered(scene: Scene) -> Pointer:
    """A real API server needs a moment to know who may do what."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return scene.ask()
        except AssertionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


class TestRefusals:
    """On the local API server."""

    @pytest.mark.parametrize(
        ("status", "cause"),
        [
            (401, "unauthorized"),
            (403, "forbidden"),
            (410, "expired"),
            (418, "refused"),
            (429, "throttled"),
            (500, "server-error"),
            (503, "server-error"),
            (504, "server-error"),
        ],
    )
    def test_a_refused_list_is_asked_for_again(self, local_scene: Scene, status: int, cause: str) -> None:
        local_cluster(local_scene).fail_next("GET", CSRS_PATH, status, times=2)
        pointer = local_scene.ask()
        watcher = local_scene.watch()
        local_scene.await_pointers([pointer])
        assert restarts(watcher, cause) == 2

    @pytest.mark.parametrize("status", [401, 403, 410, 500])
    def test_a_refused_watch_leads_to_a_list(self, local_scene: Scene, status: int) -> None:
        cluster = local_cluster(local_scene)
        watcher = local_scene.watch()
        wait_until(lambda: metric(watcher, "lists_total"))
        wait_until(lambda: "watch=true" in cluster.requests[-1][1])
        cluster.fail_next("GET", CSRS_PATH, status)
        cluster.disconnect()
        pointer = local_scene.ask()
        local_scene.await_pointers([pointer])

    def test_an_unreadable_object_is_skipped_and_counted(self, local_scene: Scene) -> None:
        cluster = local_cluster(local_scene)
        cluster.load(signing_request() | {"metadata": {"name": "Not A Name", "uid": "1"}})
        cluster.load(signing_request() | {"metadata": {"name": "no-uid-of-kubernetes", "uid": "not a uid"}})
        pointer = local_scene.ask()
        watcher = local_scene.watch()
        local_scene.await_pointers([pointer])
        assert set(local_scene.pointers()) == {pointer}
        assert metric(watcher, "malformed_total") == 2

    def test_a_replaced_token(self, local_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As the kubelet replaces a service account's: in the file; the API server forgets the old one."""
        cluster = local_cluster(local_scene)
        (tmp_path / "token").write_text("watcher")
        watcher = local_scene.watch(connection=in_pod(cluster, tmp_path, monkeypatch))
        wait_until(lambda: metric(watcher, "lists_total"))
        cluster.replace_token("watcher", "second-token")
        cluster.disconnect()
        wait_until(lambda: restarts(watcher, "unauthorized"))
        (tmp_path / "token").write_text("second-token")
        pointer = local_scene.ask()
        local_scene.await_pointers([pointer])


def local_cluster(scene: Scene) -> LocalCluster:
    assert isinstance(scene.cluster, LocalCluster)
    return scene.cluster


# Whenever a test comes to run, these are new.
PENDING = signing_request(age_seconds=-3600)
PENDING["metadata"]["resourceVersion"] = "5"
POINTER = Pointer(PENDING["metadata"]["name"], PENDING["metadata"]["uid"])
OTHER = signing_request(age_seconds=-3600)
OTHER_POINTER = Pointer(OTHER["metadata"]["name"], OTHER["metadata"]["uid"])


class TestOddAnswers:
    """Against a server that says what no API server should, and some things that they do say."""

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(b"no JSON\n", id="no JSON"),
            pytest.param(b"\n", id="an empty line"),
            pytest.param(b"[]\n", id="no object"),
            pytest.param(b"[" * 100_000 + b"\n", id="deeper than anybody can read"),
            pytest.param(b'{"type": "ADDED"}\n', id="no object in it"),
            pytest.param(event("ADDED", None), id="null"),
            pytest.param(event("ADDED", {"metadata": {"resourceVersion": "3"}}), id="without a name"),
            pytest.param(event("ADDED", {"metadata": {"name": "a", "uid": "b"}}), id="without a version"),
            pytest.param(event("ADDED", {"metadata": {"name": 1, "uid": [], "resourceVersion": {}}}), id="other types"),
            pytest.param(event("RENAMED", PENDING | {"spec": None}), id="an event that is not known yet"),
            pytest.param(bookmark(""), id="a bookmark of nothing"),
            pytest.param(b'{"type": "ADDED", "object": "\xff"}\n', id="no UTF-8"),
        ],
    )
    def test_does_not_block_what_comes_behind_it(self, local_scene: Scene, line: bytes) -> None:
        with ScriptedServer(lambda _: listing(), lambda _: then_open(line, event("ADDED", PENDING))) as server:
            local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert len(server.asked) == 2

    @pytest.mark.parametrize(
        ("answer", "cause"),
        [
            pytest.param(lambda: ends(b"no JSON"), "unreadable", id="no JSON"),
            pytest.param(lambda: ends(b"[]"), "unreadable", id="no object"),
            pytest.param(lambda: ends(b"{}"), "unreadable", id="no metadata"),
            pytest.param(lambda: ends(b'{"metadata": {"resourceVersion": 1}}'), "unreadable", id="no version"),
            pytest.param(lambda: ends(b'{"metadata": {}, "items": 1}'), "unreadable", id="no items"),
            pytest.param(lambda: ends(b'{"metadata": '), "unreadable", id="half of it"),
            pytest.param(lambda: refusal(302, Location="http://127.0.0.1:9/"), "refused", id="elsewhere"),
        ],
    )
    def test_a_list_that_is_none_is_asked_for_again(
        self, local_scene: Scene, answer: Callable[[], Say], cause: str
    ) -> None:
        answers = iter([answer(), listing(PENDING)])
        with ScriptedServer(lambda _: next(answers), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert restarts(watcher, cause) == 1

    def test_a_list_without_items_is_empty(self, local_scene: Scene) -> None:
        nothing = b'{"metadata": {"resourceVersion": "1"}, "items": null}'
        with ScriptedServer(lambda _: ends(nothing), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "lists_total"))

    def test_a_list_that_expires_on_the_way_begins_anew_and_has_sent_what_it_showed(self, local_scene: Scene) -> None:
        answers = iter([listing(PENDING, more="token"), refusal(410), listing(PENDING, OTHER)])
        with ScriptedServer(lambda _: next(answers), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER, OTHER_POINTER])
            assert [query.get("continue") for query in server.lists] == [None, "token", None]
            assert restarts(watcher, "expired") == 1
            assert set(local_scene.pointers().values()) == {1}

    @pytest.mark.parametrize(("code", "cause"), [(410, "expired"), (500, "error-event"), ("?", "error-event")])
    def test_an_error_in_the_watch_leads_to_a_list(self, local_scene: Scene, code: object, cause: str) -> None:
        answers = iter([listing(), listing(PENDING)])
        watches = iter([ends(event("ERROR", {"kind": "Status", "code": code})), then_open()])
        with ScriptedServer(lambda _: next(answers), lambda _: next(watches)) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert restarts(watcher, cause) == 1

    def test_a_line_without_end_is_not_kept(self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(api, "_LONGEST_LINE", 1_000)
        answers = iter([listing(), listing(PENDING)])
        watches = iter([then_open(b"x" * 2_000), then_open()])
        with ScriptedServer(lambda _: next(answers), lambda _: next(watches)) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert restarts(watcher, "unreadable") == 1

    def test_the_next_watch_begins_where_the_last_one_ended(self, local_scene: Scene) -> None:
        watches = iter([ends(event("ADDED", PENDING)), ends(bookmark("9")), then_open()])
        with ScriptedServer(lambda _: listing(version="2"), lambda _: next(watches)) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: len(server.watches) == 3)
            assert [query["resourceVersion"] for query in server.watches] == ["2", "5", "9"]
            assert metric(watcher, "lists_total") == 1

    def test_silence_is_noticed(self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection that died unseen, or a server that hangs; here seconds stand for most of a minute."""
        monkeypatch.setattr(reflector, "_WATCH_SECONDS", (1, 1))
        monkeypatch.setattr(api, "_SILENCE_SECONDS", 0.5)
        answers = iter([listing(), listing(PENDING)])
        with ScriptedServer(lambda _: next(answers), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER], seconds=5)
            assert restarts(watcher, "silence") == 1

    @pytest.mark.parametrize("line", [b"x", bookmark("5")], ids=["a byte now and then", "a watch without end"])
    def test_what_does_not_come_to_an_end_is_ended(
        self, local_scene: Scene, line: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No read times out, and no list would ever come."""
        monkeypatch.setattr(reflector, "_WATCH_SECONDS", (1, 1))
        monkeypatch.setattr(api, "_SILENCE_SECONDS", 0.5)
        answers = iter([listing(), listing(PENDING)])
        with ScriptedServer(lambda _: next(answers), lambda _: Say(again_and_again(line))) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER], seconds=5)
            assert restarts(watcher, "overdue") == 1

    def test_a_list_that_never_comes_to_its_last_page_leaves_it_blind(
        self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is on the other pages would never be seen, while each first page is an answer of the API server."""
        monkeypatch.setattr(health, "_CONTACT_SECONDS", 1.0)
        first = iter([listing()])
        with ScriptedServer(
            lambda query: next(first, None) or (refusal(500) if "continue" in query else listing(more="token")),
            lambda _: refusal(500),
        ) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "lists_total"))
            assert not watcher.health.blindness
            # The first list and four times two pages, with back-off between them.
            wait_until(lambda: len(server.lists) >= 9)
            assert watcher.health.blindness

    def test_big_requests_are_read_a_few_at_a_time(self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever may create a request can make it as big as etcd takes it; 500 of those would end the process."""
        monkeypatch.setattr(api, "_LONGEST_PAGE", 100_000)
        requests = [signing_request(age_seconds=-3600) for _ in range(70)]
        for document in requests[:20]:
            document["metadata"]["annotations"] = {"a": "x" * 30_000}

        def on_list(query: dict[str, str]) -> Say:
            begin = int(query.get("continue", "0"))
            end = begin + int(query["limit"])
            return listing(*requests[begin:end], more=str(end) if end < len(requests) else "")

        with ScriptedServer(on_list, lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "lists_total"))
            assert watcher.ledger.gauges().pending == 70
            assert not restarts(watcher, "unreadable")
            limits = [int(query["limit"]) for query in server.lists]
            assert (limits[0], min(limits) <= 3, limits[-1] > 10) == (500, True, True)

    def test_a_request_bigger_than_any_can_be_is_not_read(
        self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api, "_LONGEST_PAGE", 100)
        monkeypatch.setattr(api, "_LONGEST_REQUEST", 200)
        with ScriptedServer(lambda _: listing(PENDING), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: restarts(watcher, "unreadable") == 1)

    def test_what_cannot_be_read_is_counted_but_does_not_fill_the_log(
        self, local_scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The API server takes any name, so whoever may create requests can create many of these."""
        odd = [PENDING | {"metadata": PENDING["metadata"] | {"name": f"Odd {number}"}} for number in range(50)]
        with ScriptedServer(lambda _: listing(*odd, PENDING), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert metric(watcher, "malformed_total") == 50
        assert sum("skipped" in record.message for record in caplog.records) == 1

    def test_half_a_minute_of_silence_and_a_bit_are_all_that_is_borne(self) -> None:
        assert max(reflector._WATCH_SECONDS) + api._SILENCE_SECONDS < 60

    def test_from_time_to_time_it_lists_though_the_watch_lives(
        self, local_scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After etcd was restored from a backup, a watch from a version of before is alive and says nothing."""
        monkeypatch.setattr(reflector, "_RELIST_SECONDS", (1, 1))
        answers = itertools.chain([listing()], itertools.repeat(None))
        with ScriptedServer(lambda _: next(answers) or listing(PENDING), lambda _: Say(slow_bookmarks())) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER], seconds=5)
            assert metric(watcher, "lists_total") == 2

    @pytest.mark.parametrize(
        "watch",
        [
            pytest.param(ends, id="ends at once"),
            pytest.param(lambda: refusal(500), id="refused"),
            pytest.param(lambda: ends(event("ERROR", {"code": 410})), id="expired at once"),
        ],
    )
    def test_nobody_is_hammered(self, local_scene: Scene, watch: Callable[[], Say]) -> None:
        with ScriptedServer(lambda _: listing(PENDING), lambda _: watch()) as server:
            local_scene.watch(connection=server.connection())
            time.sleep(3)
            assert 2 <= len(server.lists) <= 6
            assert len(server.watches) <= 6

    def test_who_asks_to_come_later_is_heeded(self, local_scene: Scene) -> None:
        answers = iter([refusal(429, Retry_After="2"), listing(PENDING)])
        with ScriptedServer(lambda _: next(answers), lambda _: then_open()) as server:
            local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            first, second = (at for at, query in server.asked if "watch" not in query)
            assert second - first >= 2

    def test_ages_are_by_the_api_servers_clock(self, local_scene: Scene) -> None:
        """Whose clock is an hour behind ours; without that, everything would be too old to send."""
        then = datetime.now(UTC) - timedelta(hours=1)
        fresh = copy.deepcopy(PENDING)
        fresh["metadata"]["creationTimestamp"] = then.isoformat()
        headers = (("Date", format_datetime(then, usegmt=True)),)
        with ScriptedServer(lambda _: listing(fresh)._replace(headers=headers), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            local_scene.await_pointers([POINTER])
            assert watcher.ledger.gauges().oldest_pending_seconds < 60

    def test_a_refusal_does_not_tell_the_time(self, local_scene: Scene) -> None:
        """It may be that of a proxy, whose clock is its own."""
        date = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
        answers = iter([refusal(503, Date=date), listing(pending_now())])
        with ScriptedServer(lambda _: next(answers), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "sent_total"))

    def test_what_a_wrong_date_made_too_old_is_sent_when_the_date_is_right(self, local_scene: Scene) -> None:
        pending = pending_now()
        date = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
        right = format_datetime(datetime.now(UTC), usegmt=True)
        answers = iter(
            [
                listing(pending)._replace(headers=(("Date", date),)),
                listing(pending)._replace(headers=(("Date", right),)),
            ]
        )
        watches = iter([refusal(500), then_open()])
        with ScriptedServer(lambda _: next(answers), lambda _: next(watches)) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "sent_total"))
            assert metric(watcher, "abandoned_total") == 1
            assert watcher.ledger.gauges().oldest_pending_seconds < 60

    def test_without_a_date_it_is_too_old(self, local_scene: Scene) -> None:
        old = copy.deepcopy(PENDING)
        old["metadata"]["creationTimestamp"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        with ScriptedServer(lambda _: listing(old), lambda _: then_open()) as server:
            watcher = local_scene.watch(connection=server.connection())
            wait_until(lambda: metric(watcher, "abandoned_total"))
            assert not local_scene.pointers()


def again_and_again(line: bytes) -> Iterator[bytes]:
    while True:
        time.sleep(0.2)
        yield line


def pending_now() -> dict[str, Any]:
    document = copy.deepcopy(PENDING)
    document["metadata"]["creationTimestamp"] = datetime.now(UTC).isoformat()
    return document


def slow_bookmarks() -> Iterator[bytes]:
    for version in range(3):
        time.sleep(0.4)
        yield bookmark(f"1{version}")
