"""A real cluster in place of the local API server: requests are made there in the name of the sample's nodes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from kubernetes import config
from urllib3 import HTTPHeaderDict

_SECONDS = 10
_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


class RefusedError(Exception):
    """The cluster does not take this request at all; one line with its words."""


class RealCluster:
    """Through a kubeconfig whose user may impersonate nodes, and create, approve and delete requests."""

    def __init__(self, kubeconfig: str) -> None:
        """Raises ValueError if the file cannot be used."""
        try:
            self._client = config.new_client_from_config(kubeconfig, persist_config=False)  # type: ignore[no-untyped-call] # has no types
        except Exception as error:  # whatever its parsers raise, the library lets through
            raise ValueError(f"{kubeconfig}: {' '.join(str(error).split()) or type(error).__name__}") from None
        self._made: list[str] = []

    def load(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Make the request as its own requester; a decision that the sample's object has is made again.

        Raises RefusedError where the API server refuses it, as NodeRestriction does with another node's name.
        """
        spec = document["spec"]
        wanted = {key: spec[key] for key in ("request", "signerName", "usages", "expirationSeconds") if key in spec}
        body = {
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "metadata": {"generateName": "replay-"},
            "spec": wanted,
        }
        made = self._call("POST", _REQUESTS, body, _impersonation(spec))
        name = made["metadata"]["name"]
        self._made.append(name)
        conditions = document.get("status", {}).get("conditions")
        if conditions:
            made["status"] = {"conditions": conditions}
            made = self._call("PUT", f"{_REQUESTS}/{name}/approval", made)
        return made

    def stored(self, name: str) -> dict[str, Any] | None:
        """The object of that name; None if it cannot be read."""
        try:
            return self._call("GET", f"{_REQUESTS}/{quote(name, safe='')}")
        except RefusedError:
            return None

    def clean(self) -> None:
        """Delete every request that was made here."""
        for name in self._made:
            self._call("DELETE", f"{_REQUESTS}/{name}")
        self._made.clear()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        impersonation: Iterable[tuple[str, str]] = (),
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        _, url, headers, body, _ = self._client.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        # Only urllib3's own dictionary can hold a header twice, as groups need.
        all_headers = HTTPHeaderDict(headers)
        for name, value in impersonation:
            all_headers.add(name, value)
        response = self._client.rest_client.pool_manager.request(
            method, url, body=json.dumps(body) if body else None, headers=all_headers, timeout=_SECONDS
        )
        answer: dict[str, Any] = json.loads(response.data)
        if response.status >= 300:
            raise RefusedError(f"{response.status} {answer.get('message', '')}")
        return answer


def _impersonation(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The requester as headers (Kubernetes: user impersonation).

    The API server lower-cases the key of an extra before it decodes it, so a capital is sent percent-encoded.
    """
    yield "Impersonate-User", spec["username"]
    if "uid" in spec:
        yield "Impersonate-Uid", spec["uid"]
    for group in spec["groups"]:
        yield "Impersonate-Group", group
    for key, values in spec.get("extra", {}).items():
        encoded = "".join(char if char.islower() or char.isdigit() else f"%{ord(char):02x}" for char in key)
        for value in values:
            yield f"Impersonate-Extra-{encoded}", value
