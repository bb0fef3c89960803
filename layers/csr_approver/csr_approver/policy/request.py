"""A CertificateSigningRequest as the API server returns it, read without trusting its shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csr_approver.policy.times import parse_time

KIND = "CertificateSigningRequest"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
NODE_USER_PREFIX = "system:node:"

_DECISIONS = frozenset({"Approved", "Denied", "Failed"})

# The keys of spec.extra by which the EKS authenticator tells who called STS (aws-iam-authenticator, pkg/server).
ARN, CANONICAL_ARN, SESSION_NAME = "arn", "canonicalArn", "sessionName"


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """The fields that the rules read. None: absent, or not of the type that Kubernetes gives it.

    `username`, `groups` and `extra` are set by the API server from the authenticated requester and immutable.
    `node_name` is what follows system:node: in the user name, None if the requester is no node. An extra value is None
    where it is not a list of strings. `pem_base64` is spec.request as JSON carries it.
    """

    kind: str | None
    name: str
    uid: str
    created_at: datetime | None
    being_deleted: bool
    signer_name: str | None
    username: str | None
    node_name: str | None
    groups: tuple[str, ...] | None
    extra: Mapping[str, tuple[str, ...] | None]
    usages: tuple[str, ...] | None
    expiration_seconds: object
    pem_base64: str | None
    condition_types: frozenset[str]
    issued: bool

    @property
    def decided(self) -> bool:
        """Approved, Denied, Failed or issued; other condition types are anybody's notes."""
        return self.issued or not self.condition_types.isdisjoint(_DECISIONS)


def read_signing_request(document: object) -> SigningRequest:
    """Read any JSON value; what cannot be read comes out as None, and the rules refuse it. Never raises."""
    top = _mapping(document)
    metadata, spec, status = (
        _mapping(top.get("metadata")),
        _mapping(top.get("spec")),
        _mapping(top.get("status")),
    )
    extra, username = _mapping(spec.get("extra")), _text(spec.get("username"))
    return SigningRequest(
        kind=_text(top.get("kind")),
        name=_text(metadata.get("name")) or "",
        uid=_text(metadata.get("uid")) or "",
        created_at=parse_time(metadata.get("creationTimestamp")),
        being_deleted=metadata.get("deletionTimestamp") is not None,
        signer_name=_text(spec.get("signerName")),
        username=username,
        node_name=username.removeprefix(NODE_USER_PREFIX)
        if username and username.startswith(NODE_USER_PREFIX)
        else None,
        groups=_texts(spec.get("groups")),
        extra={key: _texts(extra[key]) for key in (ARN, CANONICAL_ARN, SESSION_NAME) if extra.get(key) is not None},
        usages=_texts(spec.get("usages")),
        expiration_seconds=spec.get("expirationSeconds"),
        pem_base64=_text(spec.get("request")),
        condition_types=_condition_types(status.get("conditions")),
        issued=bool(status.get("certificate")),
    )


def _condition_types(conditions: object) -> frozenset[str]:
    if not isinstance(conditions, list):
        return frozenset()
    return frozenset([kind for condition in conditions if (kind := _text(_mapping(condition).get("type")))])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and {type(item) for item in value} <= {str}:
        return tuple(value)
    return None
