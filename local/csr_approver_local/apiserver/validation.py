"""The checks of pkg/apis/certificates/validation, and the changes of the registry strategy, at create and update.

What a stored object already has wrong is not looked at again: it may have been loaded that way.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from csr_approver_local.apiserver import pem
from csr_approver_local.apiserver.status import (
    FieldError,
    duplicate,
    forbidden_change,
    invalid_value,
    required,
    unsupported,
)

_USAGES = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
    *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system"),
    *("ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc"),
    *("ocsp signing", "s/mime", "server auth", "signing", "timestamping"),
)
_DECISIONS = ("Approved", "Denied")
_TRUE_ONLY = (*_DECISIONS, "Failed")
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_PATH = re.compile(rf"{_LABEL}(\.{_LABEL})*")

Condition = Mapping[str, str]


def create_errors(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a new object (ValidateCertificateSigningRequestCreate)."""
    return [
        *_name_errors(metadata),
        *_request_errors(spec),
        *_usage_errors(spec),
        *_signer_errors(spec),
        *_expiry_errors(spec),
    ]


def approval_errors(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with an update of /approval (ValidateCertificateSigningRequestApprovalUpdate)."""
    return [*_condition_errors(_conditions(new)), *_removals(new, old)]


def status_errors(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with an update of /status (ValidateCertificateSigningRequestStatusUpdate)."""
    errors = _condition_errors(_conditions(new))
    certificate, present = _certificate(new), _certificate(old)
    if certificate:
        try:
            pem.check_certificates(base64.b64decode(certificate))
        except ValueError as error:
            errors.append(invalid_value("status.certificate", '"<certificate data>"', str(error)))
    errors += _removals(new, old)
    types = {condition.get("type") for condition in _conditions(old)}
    for condition in _conditions(new):
        if condition.get("type") in _DECISIONS and condition["type"] not in types:
            detail = f'updates may not add a condition of type "{condition["type"]}"'
            errors.append(forbidden_change("status.conditions", detail))
    if present and certificate != present:
        errors.append(forbidden_change("status.certificate", "updates may not modify existing certificate content"))
    return errors


def with_decisions_of(old: Mapping[str, Any], conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions with Approved and Denied as they are stored: /status cannot rewrite them."""
    stored = {condition["type"]: condition for condition in _conditions(old) if condition.get("type") in _DECISIONS}
    return [stored.get(condition.get("type", ""), condition) for condition in conditions]


def with_times(old: Mapping[str, Any], conditions: Sequence[Condition], now: str) -> list[Condition]:
    """The conditions with the times that the client left out (strategy.go populateConditionTimestamps)."""
    since = {(c.get("type"), c.get("status")): c.get("lastTransitionTime", now) for c in _conditions(old)}
    return [
        {"lastUpdateTime": now, "lastTransitionTime": since.get((c.get("type"), c.get("status")), now), **c}
        for c in conditions
    ]


def _name_errors(metadata: Mapping[str, Any]) -> list[FieldError]:
    name = metadata.get("name", "")
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    return [
        invalid_value("metadata.name", f'"{name}"', f"may not contain '{character}'")
        for character in "/%"
        if character in name
    ]


def _request_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    encoded = spec.get("request", "")
    try:
        pem.check_self_signed(pem.certificate_request(base64.b64decode(encoded)))
    except ValueError as error:
        return [invalid_value("spec.request", f'"{encoded}"' if encoded else "null", str(error))]
    return []


def _usage_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    usages: list[str] = spec.get("usages", [])
    if not usages:
        return [required("spec.usages")]
    fields = [f"spec.usages[{index}]" for index in range(len(usages))]
    return [
        *(unsupported(fields[i], f'"{usage}"', _USAGES) for i, usage in enumerate(usages) if usage not in _USAGES),
        *(duplicate(fields[i], usage) for i, usage in enumerate(usages) if usage in usages[:i]),
    ]


def _signer_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    signer = spec.get("signerName", "")
    field = "spec.signerName"
    if not signer:
        return [required(field)]
    if signer == "kubernetes.io/legacy-unknown":
        return [invalid_value(field, f'"{signer}"', "the legacy signerName is not allowed via this API version")]
    domain, _, path = signer.partition("/")
    if not (_DOMAIN.fullmatch(domain) and _PATH.fullmatch(path)):
        detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid_value(field, f'"{signer}"', detail)]
    return []


def _expiry_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    seconds = spec.get("expirationSeconds")
    if seconds is None or seconds >= 600:
        return []
    detail = "may not specify a duration less than 600 seconds (10 minutes)"
    return [invalid_value("spec.expirationSeconds", str(seconds), detail)]


def _condition_errors(conditions: Sequence[Condition]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        field = f"status.conditions[{index}]"
        kind, status = condition.get("type", ""), condition.get("status", "")
        if not kind:
            errors.append(required(f"{field}.type"))
        allowed = ("True",) if kind in _TRUE_ONLY else ("True", "False", "Unknown")
        if not status:
            errors.append(required(f"{field}.status"))
        elif status not in allowed:
            errors.append(unsupported(f"{field}.status", f'"{status}"', allowed))
        if kind in _DECISIONS and seen.intersection(_DECISIONS) - {kind}:
            detail = "Approved and Denied conditions are mutually exclusive"
            errors.append(invalid_value("status.conditions", f'"{kind}"', detail))
        if kind in seen:
            errors.append(duplicate(f"{field}.type", kind))
        seen.add(kind)
    return errors


def _removals(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[FieldError]:
    before = {condition.get("type") for condition in _conditions(old)}
    after = {condition.get("type") for condition in _conditions(new)}
    return [
        forbidden_change("status.conditions", f'updates may not remove a condition of type "{kind}"')
        for kind in _TRUE_ONLY
        if kind in before - after
    ]


def _conditions(obj: Mapping[str, Any]) -> list[Condition]:
    return obj.get("status", {}).get("conditions", [])  # type: ignore[no-any-return]


def _certificate(obj: Mapping[str, Any]) -> str:
    return obj.get("status", {}).get("certificate", "")  # type: ignore[no-any-return]
