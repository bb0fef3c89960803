"""The two calls that the approver may make: read a request, write its approval. Objects stay the JSON they came as."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from kubernetes import client, config
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_CONNECT_AND_READ_SECONDS = (2, 4)
_TEXT_LIMIT = 256
_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - the public prefix of every EKS token
_TOKEN_SECONDS = 60


class KubernetesError(Exception):
    """The API server refused, failed or could not be reached. One line; `status` is the HTTP code, 0 without answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubernetesApi:
    """CertificateSigningRequests over one pool of connections; safe for many threads."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._api_client = api_client

    def get(self, name: str) -> dict[str, Any] | None:
        """The object as the API server printed it; None if there is none of that name."""
        try:
            return self._call("GET", f"{_REQUESTS}/{quote(name, safe='')}")
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def put_approval(self, document: Mapping[str, Any]) -> None:
        """Replace the approval of exactly this object: its uid and resourceVersion are preconditions."""
        name = document["metadata"]["name"]
        self._call("PUT", f"{_REQUESTS}/{quote(name, safe='')}/approval", document)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {})
        try:
            request = self._api_client.param_serialize(
                method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            response = self._api_client.call_api(*request, _request_timeout=_CONNECT_AND_READ_SECONDS)
            content: bytes = response.read()  # type: ignore[no-untyped-call]
        except (HTTPError, OSError, BotoCoreError) as error:
            raise KubernetesError(0, f"the API server did not answer: {type(error).__name__}") from error
        if not 200 <= response.status < 300:
            raise KubernetesError(response.status, _status_line(response.status, content))
        return _object(content)


def from_kubeconfig(path: str | None = None, context: str | None = None) -> KubernetesApi:
    """As kubectl would connect. Raises ValueError if the file or the context cannot be used."""
    try:
        loaded = config.new_client_from_config(path, context, persist_config=False)  # type: ignore[no-untyped-call]
        return KubernetesApi(_reconnected(loaded.configuration))
    except Exception as error:  # whatever its parsers of YAML, base64 and certificates raise, the library lets through
        raise ValueError(f"kubeconfig: {' '.join(str(error).split()) or type(error).__name__}") from None


def for_eks(endpoint: str, ca_pem: bytes, token: Callable[[], str]) -> KubernetesApi:
    """An EKS cluster; `token` is asked for each request, so that it is never older than the credentials."""

    def refresh(configuration: client.Configuration) -> None:
        configuration.api_key["BearerToken"] = f"Bearer {token()}"

    configuration = client.Configuration(host=endpoint, ca_cert_data=ca_pem.decode("ascii"))
    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]
    # The hook is only called where there is a key already: without one, requests would go out with no token at all.
    configuration.api_key["BearerToken"] = ""
    return KubernetesApi(_reconnected(configuration))


def eks_token(credentials: "ReadOnlyCredentials", sts_host: str, region: str, cluster: str) -> str:
    """A bearer token for EKS: an STS GetCallerIdentity request, presigned for this cluster (aws-iam-authenticator)."""
    request = AWSRequest(
        "GET",
        f"https://{sts_host}/",
        headers={"x-k8s-aws-id": cluster},
        params={"Action": "GetCallerIdentity", "Version": "2011-06-15"},
    )
    SigV4QueryAuth(credentials, "sts", region, expires=_TOKEN_SECONDS).add_auth(request)
    url = request.prepare().url
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _reconnected(configuration: client.Configuration) -> client.ApiClient:
    """One fast retry if no connection is made; whatever else fails is retried by the queue, and comes back as it is."""
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


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise KubernetesError(0, "the API server's answer is no JSON object")
    return document


def _status_line(status: int, content: bytes) -> str:
    """The message of a metav1.Status; of other bodies nothing, for who knows what a proxy puts into them."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    message = answer.get("message", "") if isinstance(answer, dict) and answer.get("kind") == "Status" else ""
    return f"the API server answered {status} {str(message)[:_TEXT_LIMIT]}".strip()
