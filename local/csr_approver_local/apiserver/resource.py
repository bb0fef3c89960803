"""Create, update and delete: admission, strategy, validation and storage, in the order of the real server.

An update is refused in this order: no such object, other uid, other resource version, invalid, not permitted for
the signer (registry/generic/registry/store.go Update).
"""

import base64
import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from csr_approver_local.apiserver import pem, validation
from csr_approver_local.apiserver.decoding import API_VERSION, TIME_FORMAT, decode
from csr_approver_local.apiserver.status import (
    GROUP,
    KIND,
    RESOURCE,
    StatusError,
    bad_request,
    conflict,
    forbidden,
    invalid,
    unsupported,
)
from csr_approver_local.apiserver.store import Store
from csr_approver_local.apiserver.users import User

_NODE_SIGNERS = ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet")
# apiserver storage/names: no vowels, so that no word comes out
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
# What an update takes over from the client; the rest of the metadata is the server's.
_CLIENT_METADATA = ("generateName", "labels", "annotations", "finalizers", "ownerReferences")

_Object = Mapping[str, Any]


def create(store: Store, user: User, body: bytes) -> _Object:
    """POST: the identity is the caller's whatever the body says, the status is empty."""
    given = decode(body)
    metadata, spec = given["metadata"], given["spec"]
    _admit_node(user, metadata, spec)
    if not metadata.get("name") and "generateName" in metadata:
        metadata["name"] = metadata["generateName"] + "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(5))
    name = metadata.get("name", "")
    if errors := validation.create_errors(metadata, spec):
        raise invalid(name, errors)
    return store.create(
        {
            "kind": KIND,
            "apiVersion": API_VERSION,
            "metadata": {
                "name": name,
                **_client_metadata(metadata),
                "uid": str(uuid.uuid4()),
                "creationTimestamp": _now(),
            },
            "spec": {**spec, **_identity(user)},
            "status": {},
        }
    )


def put_approval(store: Store, user: User, name: str, body: bytes, dry_run: str | None) -> _Object:
    """PUT /approval: the conditions, and metadata, of the object sent; its spec and certificate are ignored."""
    given = decode(body)

    def change(old: _Object) -> _Object:
        conditions = validation.with_times(old, given["status"].get("conditions", []), _now())
        new = _updated(old, given["metadata"], {**old.get("status", {}), "conditions": conditions})
        if errors := validation.approval_errors(new, old):
            raise invalid(name, errors)
        _admit_for_signer(user, "approve", old)
        return new

    return _update(store, name, given["metadata"], change, dry_run)


def put_status(store: Store, user: User, name: str, body: bytes, dry_run: str | None) -> _Object:
    """PUT /status: the certificate, and conditions other than Approved and Denied."""
    given = decode(body)

    def change(old: _Object) -> _Object:
        conditions = validation.with_decisions_of(old, given["status"].get("conditions", []))
        status = {**given["status"], "conditions": validation.with_times(old, conditions, _now())}
        new = _updated(old, given["metadata"], status)
        if errors := validation.status_errors(new, old):
            raise invalid(name, errors)
        if new["status"] != old.get("status", {}):
            _admit_for_signer(user, "sign", old)
        return new

    return _update(store, name, given["metadata"], change, dry_run)


def delete(store: Store, name: str) -> dict[str, Any]:
    """DELETE: the Status of success."""
    deleted = store.delete(name)
    details = {"name": name, "group": GROUP, "kind": RESOURCE, "uid": deleted["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _update(
    store: Store, name: str, metadata: Mapping[str, Any], change: Callable[[_Object], _Object], dry_run: str | None
) -> _Object:
    if dry_run not in (None, "All"):
        errors = [unsupported("dryRun", f'["{dry_run}"]', ["All"])]
        raise invalid("", errors, kind="UpdateOptions", group="meta.k8s.io")
    if not metadata.get("name"):
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if metadata["name"] != name:
        raise bad_request(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")

    def checked(old: _Object) -> _Object:
        _check_preconditions(metadata, old)
        return change(old)

    return store.update(name, checked, dry_run=dry_run is not None)


def _check_preconditions(metadata: Mapping[str, Any], old: _Object) -> None:
    name, uid, version = old["metadata"]["name"], metadata.get("uid"), metadata.get("resourceVersion", "0")
    if uid is not None and uid != old["metadata"]["uid"]:
        raise conflict(
            name,
            f"StorageError: invalid object, Code: 4, Key: /registry/{RESOURCE}/{name}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {old['metadata']['uid']}",
        )
    if not version.isdecimal():
        raise StatusError(500, f'strconv.ParseUint: parsing "{version}": invalid syntax', reason="")
    # 0 and absent mean "whatever it is now": AllowUnconditionalUpdate is true for this resource.
    if int(version) not in (0, int(old["metadata"]["resourceVersion"])):
        raise conflict(
            name, "the object has been modified; please apply your changes to the latest version and try again"
        )


def _updated(old: _Object, metadata: Mapping[str, Any], status: Mapping[str, Any]) -> _Object:
    kept = {key: value for key, value in old["metadata"].items() if key not in _CLIENT_METADATA}
    present = {key: value for key, value in status.items() if value}
    return {**old, "metadata": {**kept, **_client_metadata(metadata)}, "status": present}


def _client_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in _CLIENT_METADATA if key in metadata}


def _identity(user: User) -> dict[str, Any]:
    identity = {
        "username": user.username,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
    }
    return {key: value for key, value in identity.items() if value}


def _admit_node(user: User, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """NodeRestriction admitCSR (1.31 and later): a node asks for itself or not at all."""
    if user.node_name is None or spec.get("signerName") not in _NODE_SIGNERS:
        return
    # Admission comes before a name is generated.
    shown = metadata.get("name") or metadata.get("generateName") or "Unknown"
    try:
        request = pem.certificate_request(base64.b64decode(spec.get("request", "")))
    except ValueError as error:
        raise forbidden(shown, f"unable to parse csr: {error}") from error
    if pem.common_name(request) != user.username:
        raise forbidden(shown, f"can only create a node CSR with CN={user.username}")


def _admit_for_signer(user: User, verb: str, old: _Object) -> None:
    """The CertificateApproval and CertificateSigning admission plugins."""
    signer = old["spec"]["signerName"]
    if not user.may_for_signer(verb, signer):
        why = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise forbidden(old["metadata"]["name"], why)


def _now() -> str:
    return datetime.now(UTC).strftime(TIME_FORMAT)
