"""From the creation of a request to its approval, one at a time, everything being warm.

The limit is a client that only watches and approves. Both are timed by the same watch, of somebody else.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.api_client import ApiClient
from tests.bench.chain import chain
from tests.bench.site import Site, site
from tests.bench.stand_ins import StandIns
from tests.bench.table import Row, Table
from tests.chaos.nodes import Node
from tests.contract.api_server.kubelet_requests import condition, decided

REQUESTS = 300
_WARM_UP = 10
_SECONDS = 30.0
# The server ends an idle watch before its client does.
_WATCH_SECONDS = "20"
_OUR_MOST_MS = 15


def measure(requests: int = REQUESTS) -> Table:
    """Raises AssetsNotFoundError without a real API server."""
    with site() as place, StandIns() as stand_ins:
        with _following(place, "admin", _approve):
            bare = _lags(place, requests)
        place.clear()
        with chain(place, stand_ins, environments=1) as product:
            _lags(place, _WARM_UP)
            (approver,) = product.approvers
            approver.done.clear()
            lags = _lags(place, requests)
            own = [1000 * sent for done in approver.done for sent in done.sent_seconds]
    return Table(
        f"from the POST of a request to its approval, {requests} one by one (real API server)",
        [
            Row(
                "p50_ms",
                "p50",
                _quantile(lags, 50),
                "ms",
                "limit: a client that only approves",
                None,
                _quantile(bare, 50),
            ),
            Row("p99_ms", "p99", _quantile(lags, 99), "ms", "", None, _quantile(bare, 99)),
            Row("own_p50_ms", "the function's part, p50", _quantile(own, 50), "ms", "event to PUT", _OUR_MOST_MS),
            Row("own_p99_ms", "the function's part, p99", _quantile(own, 99), "ms"),
        ],
    )


def _lags(place: Site, requests: int) -> list[float]:
    """Milliseconds."""
    seen: dict[str, float] = {}
    news = threading.Condition()
    lags: list[float] = []

    def note(_: ApiClient, document: dict[str, Any]) -> None:
        if document.get("status", {}).get("conditions"):
            with news:
                seen[document["metadata"]["name"]] = time.monotonic()
                news.notify_all()

    with _following(place, "admin", note):
        for document in [Node(number).asks() for number in range(requests)]:
            posted = time.monotonic()
            name = place.requests.load(document)["metadata"]["name"]
            with news:
                while name not in seen:
                    assert news.wait(_SECONDS), f"{name} is not approved"
            lags.append(1000 * (seen[name] - posted))
    return lags


def _approve(client: ApiClient, document: dict[str, Any]) -> None:
    """What the limit does."""
    if not document.get("status", {}).get("conditions"):
        client.put_approval(decided(document, condition("Approved")))


@contextmanager
def _following(place: Site, role: str, act: Callable[[ApiClient, dict[str, Any]], None]) -> Iterator[None]:
    """Let somebody act on what a watch shows of each request, from now on."""
    stopping = threading.Event()
    version = place.admin.list().body["metadata"]["resourceVersion"]

    def follow(version: str) -> None:
        with place.cluster.client(role) as client:
            while not stopping.is_set():
                for event in client.watch(resourceVersion=version, timeoutSeconds=_WATCH_SECONDS):
                    if stopping.is_set():
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    act(client, event["object"])

    follower = threading.Thread(target=follow, args=(version,))
    follower.start()
    try:
        yield
    finally:
        stopping.set()
        place.ask([Node(0)])  # so that it wakes
        follower.join()


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
