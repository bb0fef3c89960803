"""The two calls that the approver may make: read a request, write its approval. Objects stay the JSON they came as."""

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from kubernetes import client

from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError, api_client, call, kubeconfig_client

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - the public prefix of every EKS token
_TOKEN_SECONDS = 60


class KubernetesApi:
    """CertificateSigningRequests over one pool of connections; safe for many threads."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._api_client = api_client

    def get(self, name: str) -> dict[str, Any] | None:
        """The object as the API server printed it; None if there is none of that name."""
        try:
            return call(self._api_client, "GET", f"{REQUESTS_PATH}/{quote(name, safe='')}")
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def put_approval(self, document: Mapping[str, Any]) -> None:
        """Replace the approval of exactly this object: its uid and resourceVersion are preconditions."""
        name = document["metadata"]["name"]
        call(self._api_client, "PUT", f"{REQUESTS_PATH}/{quote(name, safe='')}/approval", document)


def from_kubeconfig(path: str | None = None, context: str | None = None) -> KubernetesApi:
    """As kubectl would connect. Raises ValueError if the file or the context cannot be used."""
    return KubernetesApi(kubeconfig_client(path, context))


def for_eks(endpoint: str, ca_pem: bytes, token: Callable[[], str]) -> KubernetesApi:
    """An EKS cluster; `token` is asked for each request, so that it is never older than the credentials."""

    def refresh(configuration: client.Configuration) -> None:
        configuration.api_key["BearerToken"] = f"Bearer {token()}"

    configuration = client.Configuration(host=endpoint, ca_cert_data=ca_pem.decode("ascii"))
    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]
    # The hook is only called where there is a key already: without one, requests would go out with no token at all.
    configuration.api_key["BearerToken"] = ""
    return KubernetesApi(api_client(configuration))


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
