"""The smallest Kubernetes client: it shows the server's answers as they are and retries nothing."""

import copy
import json
import ssl
from collections.abc import Generator
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import urllib3

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


class Answer(NamedTuple):
    """An HTTP status and the JSON object that came with it."""

    status: int
    body: dict[str, Any]

    @property
    def refusal(self) -> tuple[int, str]:
        """The code and the reason of the Status object that this must be."""
        assert self.body["kind"] == "Status", self
        assert self.body["code"] == self.status, self
        return self.status, self.body["reason"]

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Reason and field of each cause of a 422."""
        assert self.refusal == (422, "Invalid"), self
        return [(cause["reason"], cause["field"]) for cause in self.body["details"]["causes"]]


class ApiClient:
    """One identity's connection to an API server. Use as a context manager."""

    def __init__(self, url: str, ca_pem: bytes, token: str | None) -> None:
        context = ssl.create_default_context(cadata=ca_pem.decode())
        self._http = urllib3.PoolManager(ssl_context=context, retries=False, maxsize=100)
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token is not None else {}

    def with_headers(self, **headers: str) -> "ApiClient":
        """Over the same connections, and ended with this one; `Impersonate_User` is the header Impersonate-User."""
        other = copy.copy(self)
        other._headers = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def call(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        """One request; `body` is sent as JSON, bytes as they are. Raises urllib3.exceptions.HTTPError."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = self._http.request(
            method,
            self._url + path + _query_string(query),
            body=content,
            headers=self._headers | {"Content-Type": "application/json"},
            timeout=30,
        )
        return Answer(response.status, json.loads(response.data))

    def create(self, csr: dict[str, Any]) -> Answer:
        return self.call("POST", CSRS, csr)

    def get(self, name: str) -> Answer:
        return self.call("GET", f"{CSRS}/{name}")

    def delete(self, name: str) -> Answer:
        return self.call("DELETE", f"{CSRS}/{name}")

    def put_approval(self, csr: dict[str, Any], **query: str) -> Answer:
        return self.call("PUT", f"{CSRS}/{csr['metadata']['name']}/approval", csr, **query)

    def put_status(self, csr: dict[str, Any]) -> Answer:
        return self.call("PUT", f"{CSRS}/{csr['metadata']['name']}/status", csr)

    def list(self, **query: str) -> Answer:
        return self.call("GET", CSRS, **query)

    def watch(self, **query: str) -> Generator[dict[str, Any], None, None]:
        """The events until the server ends the stream, or the caller closes it."""
        response = self._http.request(
            "GET",
            self._url + CSRS + _query_string({"watch": "true", **query}),
            headers=self._headers,
            timeout=30,
            preload_content=False,
        )
        try:
            if response.status != 200:
                raise AssertionError(f"watch was answered {response.status}: {response.read().decode()}")
            buffered = b""
            for chunk in response.stream(amt=None):
                buffered += chunk
                *lines, buffered = buffered.split(b"\n")
                yield from (json.loads(line) for line in lines)
        finally:
            # A half-read stream must not go back to the pool.
            response.close()


def _query_string(query: dict[str, str]) -> str:
    return "?" + urlencode(query) if query else ""
