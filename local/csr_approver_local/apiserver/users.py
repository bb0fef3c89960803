"""Who calls, and what he may do: the little of RBAC, of the Node authorizer and of admission that CSRs need."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from csr_approver_local.apiserver.status import GROUP, RESOURCE, forbidden

_ANONYMOUS = "system:anonymous"
_NODE_PREFIX = "system:node:"
# plugin/pkg/auth/authorizer/rbac/bootstrappolicy NodeRules
_NODE_VERBS = frozenset({"create", "get", "list", "watch"})


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated identity and its rights.

    A permission is (verb, resource), the resource with its subresource after a slash; the right over a signer is
    ("approve", "signers/<domain>/<name>") or ("approve", "signers/<domain>/*"), and so for "sign".
    `system:masters` may do all, and nodes may create, get, list and watch, without being given it.
    """

    username: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    permissions: frozenset[tuple[str, str]] = frozenset()

    @property
    def node_name(self) -> str | None:
        """The node that this is, None for any other identity (pkg/auth/nodeidentifier: name and group both)."""
        if "system:nodes" in self.groups and self.username.startswith(_NODE_PREFIX):
            return self.username.removeprefix(_NODE_PREFIX)
        return None

    def may(self, verb: str, resource: str) -> bool:
        if "system:masters" in self.groups or (verb, resource) in self.permissions:
            return True
        return self.node_name is not None and resource == RESOURCE and verb in _NODE_VERBS

    def may_for_signer(self, verb: str, signer: str) -> bool:
        """The right over the signer itself, or over all of its domain (certauthorization.IsAuthorizedForSignerName)."""
        domain = signer.partition("/")[0]
        return any(self.may(verb, f"signers/{name}") for name in (signer, f"{domain}/*"))


def anonymous() -> User:
    """Whoever sends no bearer token."""
    return User(_ANONYMOUS, ("system:unauthenticated",))


def authenticated(user: User) -> User:
    """The user with the group that the API server adds to whomever it knows."""
    group = "system:authenticated"
    return user if group in user.groups else replace(user, groups=(*user.groups, group))


def authorize(user: User, verb: str, resource: str, name: str) -> None:
    """Raises the authorizer's 403 (apiserver handlers/responsewriters/errors.go)."""
    if not user.may(verb, resource):
        why = f'User "{user.username}" cannot {verb} resource "{resource}" in API group "{GROUP}" at the cluster scope'
        raise forbidden(name, why)
