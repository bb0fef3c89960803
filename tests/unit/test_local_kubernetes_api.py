"""What the local API server has beyond a real one's behaviour: loading, looking in, and faults on demand.

Its behaviour as an API server is in tests/contract/api_server.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import urllib3

from csr_approver_local.kubernetes_api import CSRS_PATH, KubernetesApi, User
from tests.api_client import ApiClient

PENDING = Path(__file__).parents[1] / "data/kubelet/a-private-only-pending.json"
USERS = {"admin": User("admin", ("system:masters",))}


@pytest.fixture
def csr() -> dict[str, Any]:
    """A request of a real kubelet, as kubectl prints it."""
    loaded: dict[str, Any] = json.loads(PENDING.read_text())
    return loaded


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    with KubernetesApi(USERS.get) as api:
        yield api


@pytest.fixture
def admin(api: KubernetesApi) -> Iterator[ApiClient]:
    with ApiClient(api.url, api.ca_pem, "admin") as client:
        yield client


def approved(csr: dict[str, Any]) -> dict[str, Any]:
    return csr | {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Tested"}]}}


def test_a_loaded_request_keeps_all_but_its_version(api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]) -> None:
    loaded = api.load(csr)
    assert admin.get("csr-mdf8d") == (200, loaded)
    assert loaded["metadata"].pop("resourceVersion") != csr["metadata"].pop("resourceVersion")
    assert loaded == csr


def test_a_loaded_request_replaces_one_of_its_name(api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]) -> None:
    first = api.load(csr)
    second = api.load(approved(csr))
    assert api.stored("csr-mdf8d") == second
    assert admin.put_approval(approved(first)).refusal == (409, "Conflict")


@pytest.mark.parametrize("field", ["name", "uid"])
def test_what_has_no_identity_is_not_loaded(api: KubernetesApi, csr: dict[str, Any], field: str) -> None:
    del csr["metadata"][field]
    with pytest.raises(ValueError, match=rf"no metadata\.{field}"):
        api.load(csr)


def test_what_is_given_in_and_out_is_a_copy(api: KubernetesApi, csr: dict[str, Any]) -> None:
    loaded = api.load(csr)
    for mine in (csr, loaded, api.stored("csr-mdf8d")):
        assert mine is not None
        mine["spec"]["username"] = "changed"
    stored = api.stored("csr-mdf8d")
    assert stored is not None
    assert stored["spec"]["username"] == "system:node:ip-10-0-1-23.us-west-2.compute.internal"
    assert api.stored("csr-other") is None


def test_a_decision_keeps_managed_fields_for_whoever_does_not_send_them(
    api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]
) -> None:
    loaded = api.load(csr)
    del csr["metadata"]["managedFields"]
    del csr["metadata"]["resourceVersion"]
    assert admin.put_approval(approved(csr)).body["metadata"]["managedFields"] == loaded["metadata"]["managedFields"]


def test_requests_are_noted_with_their_query_and_their_status(api: KubernetesApi, admin: ApiClient) -> None:
    admin.list(limit="1")
    admin.get("x")
    assert api.requests == [("GET", f"{CSRS_PATH}?limit=1", 200), ("GET", f"{CSRS_PATH}/x", 404)]


def test_the_official_client_reads_watches_and_decides_with_the_kubeconfig(
    api: KubernetesApi, csr: dict[str, Any]
) -> None:
    api.load(csr)
    with kubernetes.config.new_client_from_config_dict(api.kubeconfig("admin")) as client:  # type: ignore[no-untyped-call] # has no types
        certificates = kubernetes.client.CertificatesV1Api(client)
        [listed] = certificates.list_certificate_signing_request().items
        decision: Any = approved(client.sanitize_for_serialization(listed))
        certificates.replace_certificate_signing_request_approval("csr-mdf8d", decision)
        watch: Any = kubernetes.watch.Watch()  # type: ignore[no-untyped-call] # has no types
        for event in watch.stream(certificates.list_certificate_signing_request, timeout_seconds=20):
            assert event["type"] == "ADDED"
            assert event["object"].status.conditions[0].reason == "Tested"
            watch.stop()


def test_the_next_requests_fail_as_asked_and_change_nothing(
    api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]
) -> None:
    loaded = api.load(csr)
    api.fail_next("PUT", "/approval", 500)
    api.fail_next("PUT", "/approval", 429, times=2)
    answers = [admin.put_approval(approved(loaded)) for _ in range(4)]
    assert [answer.status for answer in answers] == [500, 429, 429, 200]
    assert answers[0].refusal == (500, "InternalError")
    assert answers[1].refusal == (429, "TooManyRequests")
    assert answers[1].body["details"]["retryAfterSeconds"] == 1
    assert admin.get("csr-mdf8d").status == 200


def test_delayed_requests_wait_and_others_do_not(api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]) -> None:
    api.load(csr)
    api.delay("GET", "/csr-mdf8d", 0.2)
    for name, waits in (("csr-mdf8d", True), ("csr-other", False), ("csr-mdf8d", True)):
        started = time.monotonic()
        admin.get(name)
        assert (time.monotonic() - started >= 0.2) is waits


def test_a_rival_decides_between_a_get_and_a_put(api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]) -> None:
    loaded = api.load(csr)
    api.before_write("/csr-mdf8d/approval", lambda: admin.put_approval(approved(loaded)))
    assert admin.put_approval(approved(loaded)).refusal == (409, "Conflict")
    assert [status for _, _, status in api.requests] == [200, 409]


def test_a_disconnected_watch_breaks_and_the_server_lives_on(
    api: KubernetesApi, admin: ApiClient, csr: dict[str, Any]
) -> None:
    api.load(csr)
    watch = admin.watch()
    assert next(watch)["type"] == "ADDED"
    api.disconnect()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        next(watch)
    assert admin.get("csr-mdf8d").status == 200


def test_an_open_watch_does_not_keep_the_server_from_stopping(csr: dict[str, Any]) -> None:
    with ExitStack() as clients:
        with KubernetesApi(USERS.get) as api:
            api.load(csr)
            watch = clients.enter_context(ApiClient(api.url, api.ca_pem, "admin")).watch()
            next(watch)
        # Whether it is ended or cut is the server's haste.
        with suppress(urllib3.exceptions.ProtocolError):
            assert list(watch) == []


def test_a_hundred_clients_at_once_are_served(api: KubernetesApi, csr: dict[str, Any]) -> None:
    api.load(csr)
    together = threading.Barrier(100)

    def get(_: int) -> int:
        with ApiClient(api.url, api.ca_pem, "admin") as client:
            together.wait(timeout=30)
            return client.get("csr-mdf8d").status

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(get, range(100))) == {200}


@pytest.mark.parametrize(
    ("method", "suffix", "query"),
    [
        pytest.param("PATCH", "/x", {}, id="PATCH"),
        pytest.param("PUT", "/x", {}, id="PUT of the object itself"),
        pytest.param("GET", "", {"labelSelector": "a=b"}, id="labels"),
        pytest.param("GET", "", {"limit": "1", "resourceVersion": "1"}, id="a page at a version"),
        pytest.param("POST", "", {"dryRun": "All"}, id="a dry run of POST"),
        pytest.param("DELETE", "/x", {"dryRun": "All"}, id="a dry run of DELETE"),
    ],
)
def test_what_is_not_modelled_says_so(admin: ApiClient, method: str, suffix: str, query: dict[str, str]) -> None:
    assert admin.call(method, CSRS_PATH + suffix, {}, **query).refusal == (501, "NotImplemented")


def test_impersonation_is_not_modelled_either(admin: ApiClient) -> None:
    assert admin.list().status == 200
    other = admin.with_headers(Impersonate_User="system:node:a", Impersonate_Group="system:nodes")
    assert other.list().refusal == (501, "NotImplemented")
