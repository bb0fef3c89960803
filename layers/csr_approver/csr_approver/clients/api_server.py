"""A connection to the API server, and its refusals as one line."""

import json
from typing import Any

from kubernetes import client, config
from urllib3.util.retry import Retry

REQUESTS_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_TEXT_LIMIT = 256


class KubernetesError(Exception):
    """The API server refused, failed or could not be reached. One line; `status` is the HTTP code, 0 without answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def kubeconfig_client(path: str | None = None, context: str | None = None) -> client.ApiClient:
    """As kubectl would connect. Raises ValueError if the file or the context cannot be used."""
    try:
        loaded = config.new_client_from_config(path, context, persist_config=False)  # type: ignore[no-untyped-call]
        return api_client(loaded.configuration)
    except Exception as error:  # whatever its parsers of YAML, base64 and certificates raise, the library lets through
        raise ValueError(f"kubeconfig: {' '.join(str(error).split()) or type(error).__name__}") from None


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
