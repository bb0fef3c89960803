"""Request bodies, read as Go's typed decoder reads them.

Unknown fields are dropped, null and empty count as absent, times lose their fraction and become UTC, base64 may
hold line breaks. Whatever has the wrong type is a 400.
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from csr_approver_local.apiserver.status import GROUP, KIND, bad_request

API_VERSION = f"{GROUP}/v1"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_Reader: TypeAlias = Callable[[Any, str], Any]
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


class _MismatchError(ValueError):
    pass


def _of_type(kind: type, go_name: str) -> _Reader:
    def read(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise _MismatchError(f"json: cannot unmarshal {type(value).__name__} into {path} of type {go_name}")
        return value

    return read


_string = _of_type(str, "string")
_integer = _of_type(int, "int32")


def _bytes(value: Any, path: str) -> str:
    text = re.sub(r"[\r\n]", "", _string(value, path))
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except ValueError as error:
        raise _MismatchError(f"illegal base64 data in {path}: {error}") from error


def _time(value: Any, path: str) -> str:
    text = _string(value, path)
    try:
        if _RFC3339.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC).strftime(TIME_FORMAT)
    except ValueError:
        pass
    raise _MismatchError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00"')


def _array(element: _Reader) -> _Reader:
    items = _of_type(list, "[]")
    return lambda value, path: [element(item, f"{path}[{index}]") for index, item in enumerate(items(value, path))]


def _mapping(element: _Reader) -> _Reader:
    items = _of_type(dict, "map[string]")
    return lambda value, path: {key: element(item, f"{path}.{key}") for key, item in items(value, path).items()}


def _struct(**fields: _Reader) -> _Reader:
    items = _of_type(dict, "struct")

    def read(value: Any, path: str) -> dict[str, Any]:
        given = {name: item for name, item in items(value, path).items() if name in fields and item is not None}
        decoded = {name: fields[name](item, f"{path}.{name}") for name, item in given.items()}
        return {name: item for name, item in decoded.items() if item not in ("", [], {})}

    return read


def _verbatim(value: Any, _: str) -> Any:
    return value


_CONDITION = _struct(
    type=_string, status=_string, reason=_string, message=_string, lastUpdateTime=_time, lastTransitionTime=_time
)
_READ = _struct(
    metadata=_struct(
        name=_string,
        generateName=_string,
        uid=_string,
        resourceVersion=_string,
        labels=_mapping(_string),
        annotations=_mapping(_string),
        finalizers=_array(_string),
        ownerReferences=_array(_verbatim),
    ),
    spec=_struct(request=_bytes, signerName=_string, expirationSeconds=_integer, usages=_array(_string)),
    status=_struct(conditions=_array(_CONDITION), certificate=_bytes),
)


def decode(body: bytes) -> dict[str, Any]:
    """The object in a request body, with the keys `metadata`, `spec` and `status` always there.

    Raises StatusError 400 for what is no CertificateSigningRequest of this version.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise _unrecognized(f"json parse error: {error}") from error
    if not isinstance(document, dict):
        raise _unrecognized(f"json parse error: cannot unmarshal {type(document).__name__}")
    kind = document.get("kind") or KIND
    version = document.get("apiVersion") or API_VERSION
    if not (isinstance(kind, str) and isinstance(version, str)):
        raise _unrecognized("json parse error: cannot unmarshal kind and apiVersion into strings")
    if kind == KIND and version != API_VERSION:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({API_VERSION})"
        )
    try:
        if kind != KIND:
            raise _MismatchError("unknown conversion")
        decoded: dict[str, Any] = _READ(document, KIND)
    except _MismatchError as error:
        raise bad_request(
            f'{kind} in version "{version.rpartition("/")[2]}" cannot be handled as a {KIND}: {error}'
        ) from error
    return {"metadata": {}, "spec": {}, "status": {}, **decoded}


def _unrecognized(why: str) -> Exception:
    return bad_request(
        f"the object provided is unrecognized (must be of type {KIND}): couldn't get version/kind; {why}"
    )
