"""LIST with pages and WATCH with bookmarks, as the watch cache of kube-apiserver 1.36 answers them."""

import base64
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from csr_approver_local.apiserver.decoding import API_VERSION
from csr_approver_local.apiserver.status import KIND, StatusError, bad_request, expired, not_modelled
from csr_approver_local.apiserver.store import Store

Query: TypeAlias = Mapping[str, str]
_Object: TypeAlias = Mapping[str, Any]
_Selector: TypeAlias = Callable[[_Object], bool]

_SELECTABLE: Mapping[str, Callable[[_Object], str]] = {
    "metadata.name": lambda obj: str(obj["metadata"]["name"]),
    "spec.signerName": lambda obj: str(obj["spec"].get("signerName", "")),
}
_BOOKMARK_SECONDS = 60.0
# apiserver storage/cacher: so much before its end a watch gets a last bookmark
_BEFORE_TIMEOUT_SECONDS = 2.0
_TOO_OLD_TO_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class _Page(NamedTuple):
    version: int
    objects: Mapping[str, _Object]
    start: str


def list_page(store: Store, query: Query, kind: str = KIND, api_version: str = API_VERSION) -> dict[str, Any]:
    """The list in the order of names; items carry no kind and apiVersion."""
    selects = _selector(query)
    # From resource version 0 the watch cache answers, all at once.
    limit = 0 if query.get("resourceVersion") == "0" else max(0, _number(query, "limit"))
    page = _page(store, query, limit)
    names = sorted(name for name, obj in page.objects.items() if name >= page.start and selects(obj))
    shown = names[:limit] if limit else names
    metadata: dict[str, Any] = {"resourceVersion": str(page.version)}
    if len(shown) < len(names):
        store.keep(page.version, page.objects)
        metadata["continue"] = _continue_token(page.version, shown[-1] + "\0")
        # With a selector the server does not know how many are left.
        if not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(names) - len(shown)
    items = [{k: v for k, v in page.objects[name].items() if k not in ("kind", "apiVersion")} for name in shown]
    return {"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata, "items": items}


def watch(store: Store, query: Query) -> Iterator[dict[str, Any]]:
    """The events from a resource version on, until timeoutSeconds are over or the store is closed.

    The query is checked before the first event is asked for: raises StatusError at once.
    """
    selects = _selector(query)
    seconds = _number(query, "timeoutSeconds") or math.inf
    version = query.get("resourceVersion") or "0"
    if not version.isdecimal():
        raise StatusError(500, f'resourceVersion: Invalid value: "{version}"', reason="")
    bookmarks = is_true(query, "allowWatchBookmarks")
    return _events(store, selects, int(version), time.monotonic() + seconds, bookmarks)


def is_true(query: Query, name: str) -> bool:
    """A flag in a query: anything but absent, "false" and "0" (apimachinery Convert_Slice_string_To_bool)."""
    return name in query and query[name].lower() not in ("false", "0")


def _events(store: Store, selects: _Selector, since: int, deadline: float, bookmarks: bool) -> Iterator[dict[str, Any]]:
    opened_at, present = store.snapshot()
    if since == 0:
        yield from (_event("ADDED", present[name]) for name in sorted(present) if selects(present[name]))
        if bookmarks:
            yield _bookmark(opened_at, annotations={"k8s.io/initial-events-end": "true"})
        since = opened_at
    elif since < (oldest := store.history_starts_at()):
        yield _event("ERROR", expired(f"too old resource version: {since} ({oldest})").body)
        return
    bookmark_at = _next_bookmark(deadline) if bookmarks else math.inf
    while (news := store.news(since, min(bookmark_at, deadline))) is not None:
        for event in news.events:
            since = event.version
            if selects(event.object):
                yield _event(event.type, event.object)
        if time.monotonic() >= deadline:
            return
        if time.monotonic() >= bookmark_at:
            bookmark_at = _next_bookmark(deadline)
            # The server has nothing newer to tell than what the client began with.
            if news.version > opened_at:
                yield _bookmark(news.version)


def _next_bookmark(deadline: float) -> float:
    now = time.monotonic()
    due = min(now + _BOOKMARK_SECONDS, deadline - _BEFORE_TIMEOUT_SECONDS)
    return due if due > now else math.inf


def _event(kind: str, obj: _Object) -> dict[str, Any]:
    return {"type": kind, "object": obj}


def _bookmark(version: int, **metadata: object) -> dict[str, Any]:
    empty = {"spec": {"request": None, "signerName": ""}, "status": {}}
    metadata = {"resourceVersion": str(version), **metadata}
    return _event("BOOKMARK", {"kind": KIND, "apiVersion": API_VERSION, "metadata": metadata, **empty})


def _page(store: Store, query: Query, limit: int) -> _Page:
    if token := query.get("continue"):
        version, start = _read_token(token)
        if version < 0:
            return _Page(*store.snapshot(), start)
        objects = store.kept(version)
        if objects is None:
            raise expired(_TOO_OLD_TO_CONTINUE, continue_token=_continue_token(-1, start))
        return _Page(version, objects, start)
    current, objects = store.snapshot()
    asked = query.get("resourceVersion") or "0"
    if not asked.isdecimal():
        raise bad_request(f'invalid resource version: resourceVersion: Invalid value: "{asked}"')
    if int(asked) and limit:
        raise not_modelled("a list with a limit at a resource version")
    if int(asked) > current:
        message = f"Timeout: Too large resource version: {asked}, current: {current}"
        raise StatusError(504, message, details={"retryAfterSeconds": 1})
    return _Page(current, objects, "")


def _continue_token(version: int, start: str) -> str:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}).encode()
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(content["rv"]), str(content["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error


def _number(query: Query, name: str) -> int:
    text = query.get(name) or "0"
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _selector(query: Query) -> _Selector:
    text = query.get("fieldSelector", "")
    terms = [_term(text, part) for part in text.split(",") if part]
    return lambda obj: all(term(obj) for term in terms)


def _term(selector: str, part: str) -> _Selector:
    for operator, wanted in (("!=", False), ("==", True), ("=", True)):
        label, found, value = part.partition(operator)
        if not found:
            continue
        read = _SELECTABLE.get(label)
        if read is None:
            raise bad_request(f"field label not supported: {label}")
        return lambda obj: (read(obj) == value) is wanted
    raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
