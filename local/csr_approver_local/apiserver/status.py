"""Errors as the API server tells them: metav1.Status objects (apimachinery pkg/api/errors)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

GROUP = "certificates.k8s.io"
RESOURCE = "certificatesigningrequests"
KIND = "CertificateSigningRequest"

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class StatusError(Exception):
    """A request that was refused. `body` is the Status object, `code` its HTTP status."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(metadata or {}),
            "status": "Failure",
            "message": message,
            "code": code,
        }
        reason = _REASONS.get(code, "") if reason is None else reason
        if reason:
            self.body["reason"] = reason
        if details is not None:
            self.body["details"] = dict(details)


class FieldError(NamedTuple):
    """One cause of a 422 (apimachinery pkg/util/validation/field)."""

    reason: str
    field: str
    message: str


def required(field: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: str, detail: str) -> FieldError:
    """`value` as the server prints it: strings in double quotes."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {value}: {detail}")


def unsupported(field: str, value: str, supported: Sequence[str]) -> FieldError:
    values = ", ".join(f'"{text}"' for text in sorted(supported))
    return FieldError("FieldValueNotSupported", field, f"Unsupported value: {value}: supported values: {values}")


def duplicate(field: str, value: str) -> FieldError:
    return FieldError("FieldValueDuplicate", field, f'Duplicate value: "{value}"')


def forbidden_change(field: str, detail: str) -> FieldError:
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}")


def invalid(name: str, errors: Sequence[FieldError], *, kind: str = KIND, group: str = GROUP) -> StatusError:
    texts = [f"{error.field}: {error.message}" for error in errors]
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details: dict[str, Any] = {"group": group, "kind": kind, "causes": [error._asdict() for error in errors]}
    if name:
        details["name"] = name
    return StatusError(422, f'{kind}.{group} "{name}" is invalid: {summary}', reason="Invalid", details=details)


def bad_request(message: str) -> StatusError:
    return StatusError(400, message)


def forbidden(name: str, why: str) -> StatusError:
    subject = f'{RESOURCE}.{GROUP} "{name}"' if name else f"{RESOURCE}.{GROUP}"
    return StatusError(403, f"{subject} is forbidden: {why}", details=_details(name))


def not_found(name: str) -> StatusError:
    return StatusError(404, f'{RESOURCE}.{GROUP} "{name}" not found', details=_details(name))


def already_exists(name: str) -> StatusError:
    message = f'{RESOURCE}.{GROUP} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=_details(name))


def conflict(name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {RESOURCE}.{GROUP} "{name}": {why}'
    return StatusError(409, message, details=_details(name))


def expired(message: str, *, continue_token: str | None = None) -> StatusError:
    metadata = {"continue": continue_token} if continue_token else None
    return StatusError(410, message, reason="Expired", metadata=metadata)


def no_such_path() -> StatusError:
    return StatusError(404, "the server could not find the requested resource", details={})


def no_such_method() -> StatusError:
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, message, reason="MethodNotAllowed", details={})


def not_modelled(what: str) -> StatusError:
    """For what a real server does and this one does not: loud, so that no test passes by it."""
    return StatusError(501, f"the local API server does not know {what}", reason="NotImplemented")


def _details(name: str) -> dict[str, Any]:
    details = {"group": GROUP, "kind": RESOURCE}
    return {"name": name, **details} if name else details
