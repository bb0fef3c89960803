"""LIST with selectors and pages, WATCH with bookmarks, and what both answer once history is forgotten."""

import secrets
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from tests.api_client import CSRS
from tests.contract.api_server.clusters import By, Cluster
from tests.contract.api_server.kubelet_requests import condition, decided, serving_request, version

Create = Callable[[str], dict[str, Any]]


@pytest.fixture
def signer() -> str:
    """A signer of this test alone, so that others' requests can be selected away."""
    return f"example.com/{secrets.token_hex(4)}"


@pytest.fixture
def create(by: By, signer: str) -> Create:
    """Create a request for this test's signer; its name is unique but ends as asked for."""

    def create(ending: str) -> dict[str, Any]:
        request = serving_request("a.example", signerName=signer)
        return by("admin").create(request | {"metadata": {"name": f"{signer.partition('/')[2]}-{ending}"}}).body

    return create


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["metadata"]["name"].rpartition("-")[2] for item in items]


def take(watch: Generator[dict[str, Any], None, None], count: int) -> list[dict[str, Any]]:
    """So many events, without waiting for the end of the watch."""
    with closing(watch):
        return list(islice(watch, count))


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["type"], *names([event["object"]])) for event in events]


def test_a_list_is_sorted_by_name_and_its_items_have_no_kind(by: By, create: Create, signer: str) -> None:
    for ending in ("b", "a", "c"):
        create(ending)
    answer = by("watcher").list(fieldSelector=f"spec.signerName={signer}")
    assert names(answer.body["items"]) == ["a", "b", "c"]
    assert all("kind" not in item for item in answer.body["items"])
    assert answer.body["kind"] == "CertificateSigningRequestList"
    assert version(answer.body) >= max(map(version, answer.body["items"]))


def test_a_list_is_selected_by_signer_and_by_name(by: By, create: Create, signer: str) -> None:
    name = create("a")["metadata"]["name"]
    create("b")

    def selected(selector: str) -> list[str]:
        return names(by("watcher").list(fieldSelector=selector).body["items"])

    assert selected(f"metadata.name={name}") == ["a"]
    assert selected(f"metadata.name={name},spec.signerName=={signer}") == ["a"]
    assert selected(f"metadata.name={name},spec.signerName!={signer}") == []
    assert selected(f"spec.signerName={signer},metadata.name!={name}") == ["b"]


@pytest.mark.parametrize("selector", ["spec.username=admin", "spec.signerName"], ids=["other field", "no operator"])
@pytest.mark.parametrize("query", [{}, {"watch": "true"}], ids=["list", "watch"])
def test_a_selector_that_is_not_understood_is_a_bad_request(by: By, selector: str, query: dict[str, str]) -> None:
    answer = by("watcher").call("GET", CSRS, **query, fieldSelector=selector)
    assert answer.refusal == (400, "BadRequest")


def test_pages_show_one_moment_whatever_happens_between_them(by: By, create: Create, signer: str) -> None:
    for ending in ("a", "b", "c"):
        create(ending)
    query = {"fieldSelector": f"spec.signerName={signer}", "limit": "2"}
    first = by("watcher").list(**query).body
    create("b2")
    by("admin").delete(f"{signer.partition('/')[2]}-c")
    second = by("watcher").list(**query, **{"continue": first["metadata"]["continue"]}).body
    assert (names(first["items"]), names(second["items"])) == (["a", "b"], ["c"])
    assert version(first) == version(second)
    assert "continue" not in second["metadata"]


def test_a_page_tells_how_many_are_left_only_if_nothing_is_selected(by: By, create: Create, signer: str) -> None:
    for ending in ("a", "b", "c"):
        create(ending)
    whole = by("watcher").list().body
    assert by("watcher").list(limit="1").body["metadata"]["remainingItemCount"] == len(whole["items"]) - 1
    selected = by("watcher").list(limit="1", fieldSelector=f"spec.signerName={signer}").body["metadata"]
    assert "continue" in selected
    assert "remainingItemCount" not in selected


def test_from_version_0_a_list_is_whole_in_spite_of_its_limit(by: By, create: Create) -> None:
    create("a")
    create("b")
    answer = by("watcher").list(resourceVersion="0", limit="1")
    assert len(answer.body["items"]) > 1
    assert "continue" not in answer.body["metadata"]


@pytest.mark.parametrize(
    "query",
    [{"limit": "x"}, {"continue": "x"}, {"watch": "1", "timeoutSeconds": "x"}],
    ids=["limit", "continue", "timeoutSeconds"],
)
def test_a_parameter_that_cannot_be_read_is_a_bad_request(by: By, query: dict[str, str]) -> None:
    assert by("watcher").call("GET", CSRS, **query).refusal == (400, "BadRequest")


def test_a_version_that_is_no_number_is_refused(by: By) -> None:
    # 1.31 takes it for a fault of its own.
    assert by("watcher").list(resourceVersion="x").status in (400, 500)


def test_a_list_of_the_future_is_a_timeout(by: By) -> None:
    assert by("watcher").list(resourceVersion="99999999").refusal == (504, "Timeout")


def test_a_watch_tells_what_has_happened_since_a_version(by: By, create: Create, signer: str) -> None:
    first = create("a")
    by("admin").put_approval(decided(create("b"), condition("Approved")))
    gone = by("admin").delete(first["metadata"]["name"])
    assert gone.status == 200
    query = {"resourceVersion": first["metadata"]["resourceVersion"], "timeoutSeconds": "1"}
    started = time.monotonic()
    events = list(by("watcher").watch(**query, fieldSelector=f"spec.signerName={signer}"))
    assert 0.9 < time.monotonic() - started < 3
    assert told(events) == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    versions = [version(event["object"]) for event in events]
    assert versions == sorted(versions)
    assert versions[0] > version(first)
    assert events[1]["object"]["status"]["conditions"][0]["type"] == "Approved"
    assert {event["object"]["kind"] for event in events} == {"CertificateSigningRequest"}


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}], ids=["no version", "version 0"])
@pytest.mark.parametrize("bookmarks", [False, True], ids=["without bookmarks", "with bookmarks"])
def test_a_watch_from_no_version_begins_with_what_is_there(
    *, by: By, create: Create, signer: str, query: dict[str, str], bookmarks: bool
) -> None:
    create("b")
    create("a")
    watch = by("watcher").watch(**query, allowWatchBookmarks=str(bookmarks), fieldSelector=f"spec.signerName={signer}")
    with closing(watch):
        assert told([next(watch), next(watch)]) == [("ADDED", "a"), ("ADDED", "b")]
        create("c")
        event = next(watch)
        # The end of what is there; 1.31 does not tell it.
        if bookmarks and event["type"] == "BOOKMARK":
            assert event["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            event = next(watch)
        assert told([event]) == [("ADDED", "c")]


def test_a_bookmark_tells_a_watch_how_far_it_has_come_before_it_ends(by: By, create: Create, signer: str) -> None:
    since = create("a")["metadata"]["resourceVersion"]
    query = {"resourceVersion": since, "timeoutSeconds": "3", "allowWatchBookmarks": "true"}
    with ThreadPoolExecutor() as pool:
        first = pool.submit(take, by("watcher").watch(**query, fieldSelector=f"spec.signerName={signer}"), 1)
        time.sleep(0.3)
        # Not selected by the watch: only a bookmark can tell of it.
        by("admin").create(serving_request("a.example"))
    [event] = first.result()
    assert event["type"] == "BOOKMARK"
    assert version(event["object"]) > int(since)
    # 1.31 adds a time of creation, which is null.
    assert {key for key, value in event["object"]["metadata"].items() if value} == {"resourceVersion"}
    assert event["object"]["spec"] == {"request": None, "signerName": ""}


def test_a_watch_from_the_future_is_silent(by: By) -> None:
    assert list(by("watcher").watch(resourceVersion="99999999", timeoutSeconds="1")) == []


@pytest.mark.parametrize("value", ["true", "1", "yes", ""])
def test_anything_but_no_asks_for_a_watch(by: By, create: Create, value: str) -> None:
    since = create("a")["metadata"]["resourceVersion"]
    create("b")
    assert told(take(by("watcher").watch(watch=value, resourceVersion=since), 1)) == [("ADDED", "b")]


@pytest.mark.parametrize("value", ["false", "0"])
def test_no_watch_is_a_list(by: By, value: str) -> None:
    assert by("watcher").call("GET", CSRS, watch=value).body["kind"] == "CertificateSigningRequestList"


def test_forgotten_history_is_gone_for_watches_and_pages(by: By, cluster: Cluster, create: Create, signer: str) -> None:
    for ending in ("a", "b", "c"):
        create(ending)
    query = {"fieldSelector": f"spec.signerName={signer}", "limit": "2"}
    first = by("watcher").list(**query).body["metadata"]
    cluster.forget_history()

    [event] = by("watcher").watch(resourceVersion=first["resourceVersion"], timeoutSeconds="5")
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")

    answer = by("watcher").list(**query, **{"continue": first["continue"]})
    assert answer.refusal == (410, "Expired")
    rest = by("watcher").list(**query, **{"continue": answer.body["metadata"]["continue"]})
    assert names(rest.body["items"]) == ["c"]

    now = by("watcher").list().body["metadata"]["resourceVersion"]
    create("d")
    assert told(take(by("watcher").watch(resourceVersion=now), 1)) == [("ADDED", "d")]
