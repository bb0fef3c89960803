"""List and watch of kubelet-serving requests, as bytes come from the API server; each failure with its cause."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any

from kubernetes import client, config
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from csr_approver.clients.api_server import REQUESTS_PATH, api_client, json_object, kubeconfig_client, refusal_line
from csr_approver.policy.request import KUBELET_SERVING
from csr_watcher.server_clock import ServerClock

_PAGE_SIZE = 500
# Five hundred kubelets' requests are 2 MiB, but whoever may create one can make it as big as etcd takes it: 1.5 MiB,
# which JSON can swell to six times that. A page that is too long is asked for again with fewer requests on it.
_LONGEST_PAGE = 8 * 1024 * 1024
_LONGEST_REQUEST = 32 * 1024 * 1024
_CONNECT_SECONDS = 3
_LIST_SECONDS = 15
# For a whole page, however slowly it trickles in.
_LONGEST_LIST_SECONDS = 60
# Silence for longer than the server itself would keep the watch open is a dead connection.
_SILENCE_SECONDS = 5
_LONGEST_LINE = 4 * 1024 * 1024
_LONGEST_REFUSAL = 1024 * 1024


class Cause(StrEnum):
    """Why a list or a watch ended: the label of the metric `csr_watcher_watch_restarts_total`."""

    EXPIRED = "expired"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    REFUSED = "refused"
    NO_ANSWER = "no-answer"
    UNREADABLE = "unreadable"
    SILENCE = "silence"
    CUT = "cut"
    OVERDUE = "overdue"
    ERROR_EVENT = "error-event"
    ENDED_EARLY = "ended-early"
    UNEXPECTED = "unexpected"


_CAUSES = {
    401: Cause.UNAUTHORIZED,
    403: Cause.FORBIDDEN,
    410: Cause.EXPIRED,
    429: Cause.THROTTLED,
}


class ApiError(Exception):
    """One line. `retry_after`: seconds that the server asked to wait, 0 if it did not."""

    def __init__(self, cause: Cause, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.cause = cause
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Page:
    """`documents` are of any shape. `resource_version`: the list's, to watch from."""

    documents: list[Any]
    resource_version: str


class RequestsApi:
    """For one thread, except `interrupt`."""

    def __init__(self, connection: client.ApiClient, clock: ServerClock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = Lock()
        self._open: HTTPResponse | None = None
        self._interrupted = False

    def pages(self) -> Iterator[Page]:
        """All requests there are, consistently. Raises ApiError, also half-way."""
        token, size = "", _PAGE_SIZE
        while True:
            query = {"limit": str(size)} | ({"continue": token} if token else {})
            with self._get(query, _LIST_SECONDS) as response:
                content = _content(response, _LONGEST_PAGE if size > 1 else _LONGEST_REQUEST, _LONGEST_LIST_SECONDS)
            if content is None:
                if size == 1:
                    raise ApiError(Cause.UNREADABLE, f"a request is longer than {_LONGEST_REQUEST} bytes")
                size = max(1, size // 8)
                continue
            size = min(_PAGE_SIZE, 2 * size)
            answer = _object(content)
            items, metadata = answer.get("items"), answer.get("metadata")
            if not isinstance(metadata, dict) or not isinstance(items, list | None):
                raise ApiError(Cause.UNREADABLE, "the API server's answer is no list")
            version, token = metadata.get("resourceVersion"), metadata.get("continue") or ""
            if not isinstance(version, str) or not isinstance(token, str):
                raise ApiError(Cause.UNREADABLE, "the API server's list has no resourceVersion")
            del content, answer  # half of the memory that a page takes
            yield Page(items or [], version)
            if not token:
                return

    def watch(self, resource_version: str, seconds: int) -> Iterator[bytes]:
        """The lines of a watch, until the server ends it, after `seconds` at the latest. Raises ApiError."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        with self._get(query, seconds + _SILENCE_SECONDS) as response:
            # The server ends it in time; what goes on after that is a trickle, or a proxy that knows better.
            yield from _lines(_chunks(response, seconds + _SILENCE_SECONDS))

    def interrupt(self) -> None:
        """End the call that another thread is in, and every later one."""
        with self._lock:
            self._interrupted = True
            if self._open is not None:
                # It objects where the answer has just been read to its end, or the connection is gone.
                with suppress(RuntimeError, ValueError, OSError):
                    self._open.shutdown()

    @contextmanager
    def _get(self, query: dict[str, str], read_seconds: float) -> Iterator[HTTPResponse]:
        selector = {"fieldSelector": f"spec.signerName={KUBELET_SERVING}"}
        try:
            request = self._connection.param_serialize(
                "GET",
                REQUESTS_PATH,
                query_params=list((selector | query).items()),
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
            )
            answer = self._connection.call_api(*request, _request_timeout=(_CONNECT_SECONDS, read_seconds))
        except config.ConfigException as error:  # where the token file is being replaced
            raise ApiError(Cause.UNAUTHORIZED, f"no token: {error}") from error
        except (HTTPError, OSError) as error:
            raise ApiError(Cause.NO_ANSWER, f"the API server did not answer: {type(error).__name__}") from error
        response: HTTPResponse = answer.response
        try:
            self._begin(response)
            if response.status != 200:
                raise _refusal(response)
            # Not of a refusal: it may be a proxy's, by a clock of its own.
            self._clock.hear(response.headers.get("Date"))
            yield response
        finally:
            with self._lock:
                self._open = None
            # What was read to its end goes back to the pool; the rest of anything else is not waited for.
            response.close()

    def _begin(self, response: HTTPResponse) -> None:
        with self._lock:
            if self._interrupted:
                raise ApiError(Cause.CUT, "interrupted")
            self._open = response


def connect(kubeconfig: str | None) -> client.ApiClient:
    """By a kubeconfig, else by the pod's service account, whose token is read anew each minute. Raises ValueError."""
    if kubeconfig:
        return kubeconfig_client(kubeconfig)
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # has no types
    except config.ConfigException as error:
        raise ValueError(f"not in a pod ({error}); outside the cluster, set --kubeconfig") from None
    return api_client(configuration)


def error_event(status: Any) -> ApiError:
    """What an ERROR event in a watch means; its object is a metav1.Status."""
    code, message = (status.get("code"), status.get("message")) if isinstance(status, dict) else (None, None)
    cause = _CAUSES.get(code, Cause.ERROR_EVENT) if isinstance(code, int) else Cause.ERROR_EVENT
    return ApiError(cause, f"the watch ended with an error: {code} {str(message)[:256]}")


def _refusal(response: HTTPResponse) -> ApiError:
    cause = _CAUSES.get(response.status, Cause.SERVER_ERROR if response.status >= 500 else Cause.REFUSED)
    after = response.headers.get("Retry-After", "")
    seconds = float(after) if after.isascii() and after.isdigit() else 0
    content = _content(response, _LONGEST_REFUSAL, _LIST_SECONDS) or b""
    return ApiError(cause, refusal_line(response.status, content), seconds)


def _content(response: HTTPResponse, most: int, seconds: float) -> bytes | None:
    """None: more than that many bytes. The rest is not read."""
    content = bytearray()
    for chunk in _chunks(response, seconds):
        content += chunk
        if len(content) > most:
            return None
    return bytes(content)


def _chunks(response: HTTPResponse, seconds: float) -> Iterator[bytes]:
    """Until the end, which has to come within these seconds: each byte keeps the time-out of the connection away."""
    deadline = time.monotonic() + seconds
    try:
        for chunk in response.stream(65536):
            yield chunk
            if time.monotonic() > deadline:
                raise ApiError(Cause.OVERDUE, "the API server's answer does not come to an end")
    except ReadTimeoutError as error:
        raise ApiError(Cause.SILENCE, "the API server fell silent") from error
    except (HTTPError, OSError) as error:
        raise ApiError(Cause.CUT, f"the connection was cut: {type(error).__name__}") from error


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Complete lines; what follows the last one was cut off and means nothing."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        *lines, last = rest.split(b"\n")
        yield from map(bytes, filter(None, lines))
        rest = last
        if len(rest) > _LONGEST_LINE:
            raise ApiError(Cause.UNREADABLE, f"a line of the watch is longer than {_LONGEST_LINE} bytes")


def _object(content: bytes) -> dict[str, Any]:
    document = json_object(content)
    if document is None:
        raise ApiError(Cause.UNREADABLE, "the API server's answer is no JSON object")
    return document
