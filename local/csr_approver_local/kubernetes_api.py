"""The cluster of this machine: the API server that a function, a watcher and an operator talk to."""

import base64
import copy
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from csr_approver_local.apiserver import listing, resource, reviews
from csr_approver_local.apiserver.faults import Faults, refusal
from csr_approver_local.apiserver.listing import Query
from csr_approver_local.apiserver.server import Answer, HttpsServer, Request
from csr_approver_local.apiserver.status import RESOURCE, StatusError, no_such_method, no_such_path, not_modelled
from csr_approver_local.apiserver.store import Store
from csr_approver_local.apiserver.users import User, anonymous, authenticated, authorize
from csr_approver_local.pki import loopback_server_identity

__all__ = ["CSRS_PATH", "KubernetesApi", "User"]

CSRS_PATH = f"/apis/certificates.k8s.io/v1/{RESOURCE}"
_NODES_PATH = "/api/v1/nodes"
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.2"}
_NOT_MODELLED = ("labelSelector", "resourceVersionMatch", "sendInitialEvents")


class KubernetesApi:
    """An HTTPS API server with CertificateSigningRequests, and what else is put there to be read. A context manager.

    `authenticate` maps a bearer token to a user, or to None for one that is not known. `requests` is what was
    answered so far: method, path with query, status. All methods may be called from any thread. `identities` are, by
    user name, those whose rights may be reviewed, and who may be impersonated.
    """

    def __init__(
        self, authenticate: Callable[[str], User | None], identities: Mapping[str, User] | None = None
    ) -> None:
        self._authenticate, self._identities = authenticate, identities or {}
        self._store = Store()
        self._nodes = Store()
        self._faults = Faults()
        self._others: dict[str, Mapping[str, Any]] = {}
        self._stopping = threading.Event()
        self._server = HttpsServer(self._respond)
        self.url = self._server.url
        self.ca_pem = loopback_server_identity().ca
        self.requests: list[tuple[str, str, int]] = []

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._store.close()
        self._server.stop()

    def load(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """Put an object there as `kubectl get csr -o json` prints it, in place of one of that name.

        Everything is kept, checked by nobody, but for a new resource version. Raises ValueError if it has no name
        or no uid.
        """
        metadata = obj.get("metadata") or {}
        missing = [key for key in ("name", "uid") if not metadata.get(key)]
        if missing:
            raise ValueError(f"the object to load has no metadata.{missing[0]}")
        return _copied(self._store.load(_copied(obj)))

    def stored(self, name: str) -> dict[str, Any] | None:
        """A copy of the object of that name; None if there is none."""
        try:
            return _copied(self._store.get(name))
        except StatusError:
            return None

    def serve(self, path: str, obj: Mapping[str, Any]) -> None:
        """Let whoever may get "configmaps" (or what stands before the name in `path`) read this object there."""
        self._others[path] = obj

    def load_node(self, obj: Mapping[str, Any]) -> None:
        """Put a node there, which may be listed and nothing else, in place of one of that name."""
        self._nodes.load(_copied(obj))

    def kubeconfig(self, token: str) -> dict[str, Any]:
        """A kubeconfig document with one context, for whoever has this token."""
        cluster = {"server": self.url, "certificate-authority-data": base64.b64encode(self.ca_pem).decode()}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "local", "user": {"token": token}}],
        }

    def fail_next(self, method: str, path_suffix: str, status: int, times: int = 1) -> None:
        """Refuse the next requests of that method whose path ends so, undone and with this HTTP status."""

        def refuse() -> None:
            raise refusal(status)

        self._faults.add(method, path_suffix, refuse, times=times)

    def refuse_for(self, seconds: float, method: str, path_suffix: str, status: int) -> None:
        """Refuse every request of that method whose path ends so, from now on for so long."""
        until = time.monotonic() + seconds

        def refuse() -> None:
            if time.monotonic() < until:
                raise refusal(status)

        self._faults.add(method, path_suffix, refuse, times=math.inf)

    def delay(self, method: str, path_suffix: str, seconds: float) -> None:
        """Let every request of that method whose path ends so wait before it is handled."""
        self._faults.add(method, path_suffix, lambda: self._stopping.wait(seconds), times=math.inf)

    def before_write(self, path_suffix: str, action: Callable[[], object]) -> None:
        """Run `action` once, before the next PUT to a path that ends so: a rival between a GET and a PUT."""
        self._faults.add("PUT", path_suffix, action, times=1)

    def disconnect(self) -> None:
        """Cut every open connection, as an API server that is killed does."""
        self._server.disconnect()

    def forget_history(self) -> None:
        """Make resource versions of before too old to watch from, as compaction and a new API server do.

        Like these, it cuts the open connections.
        """
        self._store.forget_history()
        self.disconnect()

    def _respond(self, request: Request) -> Answer:
        try:
            answer = self._handle(request)
        except StatusError as error:
            answer = Answer(error.code, error.body)
        self.requests.append((request.method, request.target, answer.code))
        return answer

    def _handle(self, request: Request) -> Answer:
        url = urlsplit(request.target)
        path = unquote(url.path)
        query = dict(reversed(parse_qsl(url.query, keep_blank_values=True)))
        self._faults.strike(request.method, path)
        user = self._user(request.authorization)
        if request.impersonates is not None:
            if not self._identities:
                raise not_modelled("impersonation of anybody, without identities")
            user = reviews.impersonated(user, self._identities, request.impersonates)
        if path == "/version":
            return Answer(200, _VERSION)
        if (request.method, path) == ("POST", reviews.REVIEWS_PATH):
            return Answer(201, reviews.review(user, self._identities, request.body))
        if path == CSRS_PATH:
            return self._collection(request, user, query)
        if request.method == "GET" and path in self._others:
            resource_name, name = path.split("/")[-2:]
            authorize(user, "get", resource_name, name)
            return Answer(200, dict(self._others[path]))
        if request.method == "GET" and path == _NODES_PATH:
            authorize(user, "list", "nodes", "")
            _refuse_unmodelled(query, "watch", "fieldSelector", *_NOT_MODELLED)
            return Answer(200, listing.list_page(self._nodes, query, "Node", "v1"))
        name, _, subresource = path.removeprefix(f"{CSRS_PATH}/").partition("/")
        if not path.startswith(f"{CSRS_PATH}/") or subresource not in ("", "approval", "status"):
            raise no_such_path()
        return self._object(request, user, name, subresource, query)

    def _user(self, authorization: str) -> User:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return anonymous()
        user = self._authenticate(token.strip())
        if user is None:
            raise StatusError(401, "Unauthorized")
        return authenticated(user)

    def _collection(self, request: Request, user: User, query: Query) -> Answer:
        if request.method == "POST":
            authorize(user, "create", RESOURCE, "")
            _refuse_unmodelled(query, "dryRun")
            return Answer(201, resource.create(self._store, user, request.body))
        if request.method != "GET":
            raise no_such_method()
        watching = listing.is_true(query, "watch")
        authorize(user, "watch" if watching else "list", RESOURCE, "")
        _refuse_unmodelled(query, *_NOT_MODELLED)
        return Answer(200, listing.watch(self._store, query) if watching else listing.list_page(self._store, query))

    def _object(self, request: Request, user: User, name: str, subresource: str, query: Query) -> Answer:
        method = request.method
        if method == "POST" or (method == "DELETE" and subresource):
            raise no_such_method()
        authorize(user, _VERBS[method], f"{RESOURCE}/{subresource}" if subresource else RESOURCE, name)
        if method == "GET":
            return Answer(200, self._store.get(name))
        if method == "DELETE":
            _refuse_unmodelled(query, "dryRun")
            if b'"preconditions"' in request.body:
                raise not_modelled("preconditions of a DELETE")
            return Answer(200, resource.delete(self._store, name))
        put = {"approval": resource.put_approval, "status": resource.put_status}.get(subresource)
        if method != "PUT" or put is None:
            raise not_modelled(f"{method} {RESOURCE}/{subresource}")
        return Answer(200, put(self._store, user, name, request.body, query.get("dryRun")))


def _refuse_unmodelled(query: Query, *names: str) -> None:
    for name in names:
        if name in query:
            raise not_modelled(f"the query parameter {name} here")


def _copied(obj: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(obj))
