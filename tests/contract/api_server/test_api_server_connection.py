"""What the watcher relies on below the objects: headers, refusals, and how a watch ends."""

import ssl
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import urllib3

from tests.api_client import CSRS
from tests.contract.api_server.clusters import Cluster


def opened(cluster: Cluster, query: str, token: str) -> urllib3.BaseHTTPResponse:
    """The answer as soon as its headers are there."""
    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cadata=cluster.ca_pem.decode()), retries=False)
    headers = {"Authorization": f"Bearer {token}"}
    return pool.request("GET", f"{cluster.url}{CSRS}?{query}", headers=headers, timeout=10, preload_content=False)


@pytest.mark.parametrize("query", ["limit=1", "watch=true&timeoutSeconds=1"])
def test_an_answer_tells_the_servers_time(cluster: Cluster, watched_from: str, query: str) -> None:
    with opened(cluster, query, cluster.token("watcher")) as answer:
        difference = datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"])
        assert abs(difference.total_seconds()) < 2


def test_a_watch_answers_before_there_is_anything_to_tell(cluster: Cluster, watched_from: str) -> None:
    began = time.monotonic()
    with opened(cluster, f"watch=true&timeoutSeconds=5&{watched_from}", cluster.token("watcher")) as answer:
        assert answer.status == 200
        assert time.monotonic() - began < 2


def test_a_watch_ends_in_order_when_its_time_is_over(cluster: Cluster, watched_from: str) -> None:
    began = time.monotonic()
    with opened(cluster, f"watch=true&timeoutSeconds=1&{watched_from}", cluster.token("watcher")) as answer:
        assert b"".join(answer.stream()) == b""
        assert 0.5 < time.monotonic() - began < 4


def test_a_killed_server_cuts_a_watch(cluster: Cluster, watched_from: str) -> None:
    with opened(cluster, f"watch=true&timeoutSeconds=60&{watched_from}", cluster.token("watcher")) as answer:
        cluster.restart()
        with pytest.raises(urllib3.exceptions.ProtocolError):
            list(answer.stream())


@pytest.mark.parametrize("query", ["limit=1", "watch=true&timeoutSeconds=1"])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("nobody", 403)])
def test_who_may_not_is_told_before_anything_is_streamed(
    cluster: Cluster, watched_from: str, query: str, role: str | None, status: int
) -> None:
    token = cluster.token(role) if role else "of-nobody-at-all"
    with opened(cluster, query, token) as answer:
        assert answer.status == status
        body: dict[str, Any] = answer.json()
        assert (body["kind"], body["code"]) == ("Status", status)


@pytest.fixture
def watched_from(cluster: Cluster) -> str:
    """The query for a watch of what is still to come, once the API server knows its users again."""
    deadline = time.monotonic() + 20
    while True:
        with cluster.client("watcher") as client:
            answer = client.list()
        if answer.status == 200:
            return f"resourceVersion={answer.body['metadata']['resourceVersion']}"
        # Just started, it does not know yet what anybody may do.
        assert answer.refusal == (403, "Forbidden")
        assert time.monotonic() < deadline
        time.sleep(0.1)
