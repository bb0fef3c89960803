"""The same identities and rights on the local API server and on a real one."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from csr_approver.policy.request import NODE_USER_PREFIX
from csr_approver_local.kubernetes_api import CSRS_PATH, KubernetesApi, User
from tests.api_client import ApiClient
from tests.contract.api_server.kubelet_requests import KUBELET_SERVING
from tests.controlplane import ControlPlane, Identity, csr_rule, find_assets, signer_rule
from tests.token_reviews import instance_user

By: TypeAlias = Callable[[str], ApiClient]

_READ = ("get", "certificatesigningrequests")
_DECIDE = ("update", "certificatesigningrequests/approval")
_ISSUE = ("update", "certificatesigningrequests/status")


@dataclass(frozen=True, slots=True)
class _Role:
    username: str
    groups: tuple[str, ...] = ()
    permissions: frozenset[tuple[str, str]] = frozenset()


def _role(username: str, *permissions: tuple[str, str]) -> _Role:
    return _Role(username, permissions=frozenset(permissions))


_ROLES: Mapping[str, _Role] = {
    "admin": _Role("admin", ("system:masters",)),
    "node-a": _Role("system:node:a.example", ("system:nodes",)),
    "approver": _role("approver", _READ, _DECIDE, ("approve", f"signers/{KUBELET_SERVING}")),
    "domain-approver": _role("domain-approver", _READ, _DECIDE, ("approve", "signers/kubernetes.io/*")),
    "approver-of-nothing": _role("approver-of-nothing", _READ, _DECIDE),
    "watcher": _role("watcher", ("list", "certificatesigningrequests"), ("watch", "certificatesigningrequests")),
    "signer": _role("signer", _READ, _ISSUE, ("sign", f"signers/{KUBELET_SERVING}")),
    "nobody": _role("nobody"),
}


class Cluster(Protocol):
    """An API server under test."""

    url: str
    ca_pem: bytes

    def client(self, role: str) -> ApiClient: ...
    def node(self, name: str, admin: ApiClient) -> ApiClient: ...
    def instance(self, node_name: str, instance_id: str) -> ApiClient: ...
    def token(self, role: str) -> str: ...
    def kubeconfig(self, token: str) -> dict[str, Any]: ...
    def restart(self, down_seconds: float = ...) -> None: ...
    def forget_history(self) -> None: ...


class LocalCluster(KubernetesApi):
    """The local API server; the token of a role is its name, that of any other node its user name."""

    def __init__(self) -> None:
        self._users = {
            name: User(role.username, role.groups, permissions=role.permissions) for name, role in _ROLES.items()
        }
        super().__init__(self._user_of)

    def client(self, role: str) -> ApiClient:
        return ApiClient(self.url, self.ca_pem, role)

    def node(self, name: str, admin: ApiClient) -> ApiClient:
        return admin.with_headers(Authorization=f"Bearer {NODE_USER_PREFIX}{name}")

    def instance(self, node_name: str, instance_id: str) -> ApiClient:
        token, user = secrets.token_hex(16), instance_user(node_name, instance_id)
        extra = {key: tuple(values) for key, values in user["extra"].items()}
        self._users[token] = User(user["username"], tuple(user["groups"]), user["uid"], extra)
        return ApiClient(self.url, self.ca_pem, token)

    def token(self, role: str) -> str:
        return role

    def replace_token(self, token: str, other: str) -> None:
        """From now on, another token is the one of that identity."""
        self._users[other] = self._users.pop(token)

    def restart(self, down_seconds: float = 0.0) -> None:
        """Every connection ends; then for a while, rights are not known yet."""
        for method in ("GET", "POST"):
            self.refuse_for(down_seconds, method, CSRS_PATH, 503)
            self.refuse_for(down_seconds + 1, method, CSRS_PATH, 403)
        self.disconnect()

    def _user_of(self, token: str) -> User | None:
        return User(token, ("system:nodes",)) if token.startswith(NODE_USER_PREFIX) else self._users.get(token)


def control_plane(directory: Path, assets: Path | None = None) -> AbstractContextManager[Cluster]:
    """A control plane with the same roles; by default of the newest version. Raises AssetsNotFoundError."""
    identities = {
        name: Identity(role.username, role.groups, tuple(_rule(*permission) for permission in sorted(role.permissions)))
        for name, role in _ROLES.items()
    }
    return ControlPlane(assets or find_assets(), directory, identities)


def _rule(verb: str, resource: str) -> Mapping[str, list[str]]:
    if resource.startswith("signers/"):
        return signer_rule(verb, resource.removeprefix("signers/"))
    return csr_rule(verb, subresource=resource.partition("/")[2])
