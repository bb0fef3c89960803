"""A connection to the API server, and its refusals as one line."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError
from kubernetes import client, config
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util.retry import Retry
from urllib3.util.timeout import Timeout

REQUESTS_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_TEXT_LIMIT = 256
_CONNECT_AND_READ = Timeout(connect=2, read=4)


class KubernetesError(Exception):
    """The API server refused, failed or could not be reached. One line; `status` is the HTTP code, 0 without answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def kubeconfig_client(path: str | None = None, context: str | None = None) -> client.ApiClient:
    """As kubectl would connect. Raises ValueError if the file or the context cannot be used."""
    try:
        with _no_silent_failure():
            loaded = config.new_client_from_config(path, context, persist_config=False)  # type: ignore[no-untyped-call] # has no types
        return api_client(loaded.configuration)
    except Exception as error:  # whatever its parsers of YAML, base64 and certificates raise, the library lets through
        raise ValueError(f"kubeconfig: {' '.join(str(error).split()) or type(error).__name__}") from None


@contextmanager
def _no_silent_failure() -> Iterator[None]:
    """Where the command that makes the tokens fails, the library only logs it, and goes on as nobody."""
    told = _Told()
    logging.getLogger().addHandler(told)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(told)
    if told.errors:
        raise ValueError(told.errors[0])


class _Told(logging.Handler):
    """The errors that the library's reader of kubeconfig files logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.module == "kube_config":
            self.errors.append(record.getMessage())


def api_client(configuration: client.Configuration) -> client.ApiClient:
    """One fast retry if no connection is made; whatever else fails comes back as it is, for the caller to judge."""
    configuration.retries = Retry(
        total=1,
        connect=1,
        read=0,
        redirect=0,
        status=0,
        other=0,
        raise_on_redirect=False,
        respect_retry_after_header=False,
    )
    configuration.connection_pool_maxsize = 32
    configuration.keep_alive = True
    return client.ApiClient(configuration)


def call(
    connection: client.ApiClient,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The object that the API server answers with. Raises KubernetesError."""
    configuration = connection.configuration
    sent_headers = {"Accept": "application/json", "User-Agent": connection.user_agent, **(headers or {})}
    if body is not None:
        sent_headers["Content-Type"] = "application/json"
    try:
        # Not by the client's own call_api: it goes through the body for objects of its models, and there are none.
        if token := configuration.get_api_key_with_prefix("BearerToken", alias="authorization"):
            sent_headers["Authorization"] = token
        response = connection.rest_client.pool_manager.request(
            method,
            f"{configuration.host}{path}{'?' + urlencode(query) if query else ''}",
            body=None if body is None else json.dumps(body),
            headers=sent_headers,
            timeout=_CONNECT_AND_READ,
        )
    except (HTTPError, OSError, BotoCoreError) as error:
        cause = (error.reason if isinstance(error, MaxRetryError) else None) or error
        raise KubernetesError(
            0, f"the API server ({configuration.host}) did not answer: {type(cause).__name__}"
        ) from error
    if not 200 <= response.status < 300:
        raise KubernetesError(response.status, refusal_line(response.status, response.data))
    document = json_object(response.data)
    if document is None:
        raise KubernetesError(0, "the API server's answer is no JSON object")
    return document


def json_object(content: bytes) -> dict[str, Any] | None:
    """None for whatever is no JSON object."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def refusal_line(status: int, content: bytes) -> str:
    """The message of a metav1.Status; of other bodies nothing, for who knows what a proxy puts into them."""
    answer = json_object(content) or {}
    message = answer.get("message", "") if answer.get("kind") == "Status" else ""
    return f"the API server answered {status} {str(message)[:_TEXT_LIMIT]}".strip()
