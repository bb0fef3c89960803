"""The two calls to the API server: what comes back, and what becomes of everything that goes wrong."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import certifi
import pytest
import yaml
from botocore.exceptions import NoCredentialsError
from urllib3.util.timeout import Timeout

from csr_approver.clients import api_server
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.kubernetes import KubernetesApi, for_eks, from_kubeconfig
from csr_approver_local import kubernetes_api
from csr_approver_local.apiserver.users import User
from tests.support.requests import signing_request

TOKEN = "token"
APPROVER = User(
    username="approver",
    permissions=frozenset(
        {
            ("get", "certificatesigningrequests"),
            ("update", "certificatesigningrequests/approval"),
            ("approve", "signers/kubernetes.io/kubelet-serving"),
        }
    ),
)


@pytest.fixture
def server() -> Iterator[kubernetes_api.KubernetesApi]:
    with kubernetes_api.KubernetesApi(lambda token: APPROVER if token.startswith(TOKEN) else None) as server:
        yield server


@pytest.fixture
def api(server: kubernetes_api.KubernetesApi) -> KubernetesApi:
    return for_eks(server.url, server.ca_pem, lambda: TOKEN)


def test_an_object_is_read_as_it_is(server: kubernetes_api.KubernetesApi, api: KubernetesApi) -> None:
    stored = server.load(signing_request() | {"unknown": {"field": [1]}})
    assert api.get(stored["metadata"]["name"]) == stored


def test_an_object_that_is_not_there_is_none(api: KubernetesApi) -> None:
    assert api.get("csr-zzzzz") is None


def test_a_name_cannot_lead_to_another_path(server: kubernetes_api.KubernetesApi, api: KubernetesApi) -> None:
    server.load(signing_request() | {"metadata": {"name": "csr-1", "uid": "1"}})
    assert api.get("csr-1") is not None
    for name in ("../certificatesigningrequests/csr-1", "x/../csr-1", "csr-1?watch=1", "csr-1#x"):
        assert api.get(name) is None


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422, 429, 500, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_refusal_is_an_error_with_its_status(
    server: kubernetes_api.KubernetesApi, api: KubernetesApi, method: str, status: int
) -> None:
    stored = server.load(signing_request())
    name = stored["metadata"]["name"]
    call: Callable[[], object] = (lambda: api.get(name)) if method == "GET" else (lambda: api.put_approval(stored))
    server.fail_next(method, name if method == "GET" else "/approval", status)
    with pytest.raises(KubernetesError, match=f"the API server answered {status}") as raised:
        call()
    assert raised.value.status == status
    assert len(str(raised.value)) <= 300
    assert [answered for _, _, answered in server.requests] == [status], "a refusal is not tried again here"
    call()


def test_the_token_is_made_for_each_request(server: kubernetes_api.KubernetesApi) -> None:
    """So that it is never older than the credentials."""
    seen = []
    numbers = count(1)

    def token() -> str:
        seen.append(f"{TOKEN}-{next(numbers)}")
        return seen[-1]

    api = for_eks(server.url, server.ca_pem, token)
    api.get("csr-1")
    api.get("csr-2")
    assert seen == ["token-1", "token-2"]
    assert [status for _, _, status in server.requests] == [404, 404]


def test_a_token_that_cannot_be_made_is_an_error_without_answer(server: kubernetes_api.KubernetesApi) -> None:
    def token() -> str:
        raise NoCredentialsError

    with pytest.raises(KubernetesError) as raised:
        for_eks(server.url, server.ca_pem, token).get("csr-1")
    assert raised.value.status == 0
    assert server.requests == []


def test_a_wrong_token_is_told_without_the_token(server: kubernetes_api.KubernetesApi) -> None:
    with pytest.raises(KubernetesError) as raised:
        for_eks(server.url, server.ca_pem, lambda: "secret").get("csr-1")
    assert raised.value.status == 401
    assert "secret" not in str(raised.value)


def test_a_server_that_another_ca_vouches_for_is_not_spoken_to(server: kubernetes_api.KubernetesApi) -> None:
    other_ca = Path(certifi.where()).read_bytes()
    with pytest.raises(KubernetesError) as raised:
        for_eks(server.url, other_ca, lambda: TOKEN).get("csr-1")
    assert raised.value.status == 0
    assert server.requests == []


@contextmanager
def answering(
    folder: Path, status: int, headers: dict[str, str], body: bytes
) -> Iterator[tuple[KubernetesApi, list[str]]]:
    """A client of a plain HTTP server that always answers so, and the paths that it was asked for."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield client_of(folder, f"http://127.0.0.1:{server.server_port}"), paths
        server.shutdown()


def client_of(folder: Path, url: str) -> KubernetesApi:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": TOKEN}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return from_kubeconfig(str(path))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    """The token would go wherever it leads."""
    with answering(tmp_path, status, {"Location": "/elsewhere"}, b"") as (api, paths):
        with pytest.raises(KubernetesError) as raised:
            api.get("csr-1")
        assert raised.value.status == status
        assert [path for path in paths if "elsewhere" in path] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 100_000],
    ids=["nothing", "HTML", "a list", "null", "a string", "half an object", "no text", "a deep nesting"],
)
def test_an_answer_that_is_no_object_is_an_error(tmp_path: Path, body: bytes) -> None:
    with answering(tmp_path, 200, {}, body) as (api, _), pytest.raises(KubernetesError) as raised:
        api.get("csr-1")
    assert raised.value.status == 0


@pytest.mark.parametrize(
    ("body", "line"),
    [
        pytest.param(b"secret", "the API server answered 502", id="that is no JSON"),
        pytest.param(b'{"message": "secret"}', "the API server answered 502", id="that is no Status"),
        pytest.param(b"[" * 100_000, "the API server answered 502", id="that is nested deeply"),
        pytest.param(
            b'{"kind": "Status", "message": "etcd is down"}',
            "the API server answered 502 etcd is down",
            id="of Kubernetes",
        ),
        pytest.param(
            b'{"kind": "Status", "message": "' + b"x" * 10_000 + b'"}',
            "the API server answered 502 " + "x" * 256,
            id="of Kubernetes that is long",
        ),
    ],
)
def test_only_the_words_of_kubernetes_itself_are_told(tmp_path: Path, body: bytes, line: str) -> None:
    with answering(tmp_path, 502, {}, body) as (api, _), pytest.raises(KubernetesError) as raised:
        api.get("csr-1")
    assert str(raised.value) == line


def test_a_server_that_does_not_answer_is_given_up(
    server: kubernetes_api.KubernetesApi, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_server, "_CONNECT_AND_READ", Timeout(connect=2, read=0.2))
    server.delay("GET", "csr-1", 5)
    with pytest.raises(KubernetesError, match="did not answer: ") as raised:
        api.get("csr-1")
    assert raised.value.status == 0


def test_a_server_that_is_not_there_is_an_error_without_answer(tmp_path: Path) -> None:
    with answering(tmp_path, 200, {}, b"{}") as (api, _):
        pass
    with pytest.raises(KubernetesError, match="did not answer: ") as raised:
        api.get("csr-1")
    assert raised.value.status == 0
