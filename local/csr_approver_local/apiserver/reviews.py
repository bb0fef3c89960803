"""Questions about somebody else's rights: SubjectAccessReview and impersonation, by whom the server was told of."""

import json
from collections.abc import Mapping
from typing import Any

from csr_approver_local.apiserver.status import StatusError, bad_request
from csr_approver_local.apiserver.users import User

REVIEWS_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def review(user: User, identities: Mapping[str, User], body: bytes) -> Mapping[str, Any]:
    """POST: whether the user in the body may do what it says. Raises StatusError."""
    if not user.may("create", "subjectaccessreviews"):
        resource = "subjectaccessreviews.authorization.k8s.io"
        what = f'cannot create resource "{resource.partition(".")[0]}" in API group "authorization.k8s.io"'
        raise StatusError(403, f'{resource} is forbidden: User "{user.username}" {what} at the cluster scope')
    document = json.loads(body)
    spec = document.get("spec") or {}
    attributes = spec.get("resourceAttributes")
    if not isinstance(attributes, dict) or not spec.get("user"):
        raise bad_request("a review of resourceAttributes for a user is all that is known here")
    allowed = _allowed(_identity(identities, spec["user"]), attributes)
    return {**document, "status": {"allowed": allowed}}


def impersonated(user: User, identities: Mapping[str, User], name: str) -> User:
    """Whom a request with the header Impersonate-User is by. Raises StatusError."""
    if not user.may("impersonate", "users"):
        what = 'cannot impersonate resource "users" in API group "" at the cluster scope'
        raise StatusError(403, f'users "{name}" is forbidden: User "{user.username}" {what}')
    return _identity(identities, name)


def _identity(identities: Mapping[str, User], name: str) -> User:
    """Whoever is not known has no rights."""
    return identities.get(name) or User(name)


def _allowed(user: User, attributes: Mapping[str, str]) -> bool:
    verb, resource, name = attributes.get("verb", ""), attributes.get("resource", ""), attributes.get("name", "")
    if resource == "signers":
        return user.may_for_signer(verb, name)
    subresource = attributes.get("subresource")
    return user.may(verb, f"{resource}/{subresource}" if subresource else resource)
