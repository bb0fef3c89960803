"""What an operator's command reads of a cluster, page by page."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kubernetes import client

from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError, call

_PAGE_SIZE = "500"


class ClusterReader:
    """Any path of the API server over one pool of connections. Every method raises KubernetesError."""

    def __init__(self, connection: client.ApiClient) -> None:
        self._connection = connection

    @property
    def url(self) -> str:
        """Where the API server is."""
        return str(self._connection.configuration.host)

    @property
    def authority_pem(self) -> str | None:
        """What the API server's certificate is checked with; None where that is what the system trusts."""
        path = self._connection.configuration.ssl_ca_cert
        return Path(path).read_text(encoding="ascii") if path else None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at this path; None if there is none."""
        try:
            return call(self._connection, "GET", path)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """What a list holds, as consistent as the API server lists it."""
        token = ""
        while True:
            page = {"limit": _PAGE_SIZE, **(query or {})} | ({"continue": token} if token else {})
            answer = call(self._connection, "GET", path, query=page)
            yield from answer.get("items") or []
            token = (answer.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    def ask(self, path: str, review: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a review (SelfSubjectAccessReview and its like), which is posted and never stored."""
        return call(self._connection, "POST", path, review)

    def try_approval(self, document: Mapping[str, Any], user: str, group: str) -> None:
        """Ask whether this user may replace the approval of this object: a dry run, of which nothing is kept."""
        path = f"{REQUESTS_PATH}/{quote(document['metadata']['name'], safe='')}/approval"
        impersonation = {"Impersonate-User": user, "Impersonate-Group": group}
        call(self._connection, "PUT", path, document, {"dryRun": "All"}, impersonation)
