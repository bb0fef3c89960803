"""Files that people already have, read strictly: one clear line for what cannot be read, never a traceback."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from csr_approver.policy.request import KIND

_MAX_DEPTH = 100


class InputError(ValueError):
    """A usage or input error: one line that says which input, what is wrong, and what was expected."""


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes writes it: a time is a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """The file's text; raises InputError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text") from None


def read_documents(path: Path) -> list[Any]:
    """Every JSON or YAML document in a file; raises InputError."""
    text = read_text(path)
    try:
        return list(_json_documents(text))
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply") from None
    except ValueError as json_error:
        try:
            _refuse_bombs(text)
            return [document for document in yaml.load_all(text, _Loader) if document is not None]
        except (yaml.YAMLError, ValueError, RecursionError) as yaml_error:
            first = json_error if text.lstrip().startswith(("{", "[")) else yaml_error
            raise InputError(f"{path}: is neither JSON nor YAML: {' '.join(str(first).split())}") from None


def read_requests(path: Path) -> list[Any]:
    """CSR objects: one, a List of them, or several documents, as kubectl prints them."""
    return read_objects(path, KIND, "kubectl get csr -o json")


def read_objects(path: Path, kind: str, command: str) -> list[Any]:
    """Objects as kubectl prints them with `command`, those of a list of this kind among them; raises InputError."""
    documents = read_documents(path)
    if not documents:
        raise InputError(f"{path}: holds no object; expected what `{command}` prints")
    return [item for document in documents for item in _unlisted(document, kind)]


def read_answer(path: Path, key: str, command: str, kind: type[Any]) -> Any:
    """What stands under `key` in the one JSON object that an AWS CLI command prints; raises InputError."""
    documents = read_documents(path)
    answer = documents[0] if len(documents) == 1 else None
    if not isinstance(answer, Mapping) or not isinstance(answer.get(key), kind):
        raise InputError(f"{path}: holds no {key}; expected what `{command}` prints")
    return answer[key]


def _refuse_bombs(text: str) -> None:
    """No aliases, which kubectl and the AWS CLI never print, and no depth at which libyaml's composer overflows."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("holds a YAML alias")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise ValueError("is nested too deeply")


def _json_documents(text: str) -> Iterator[Any]:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        document, position = decoder.raw_decode(text, position)
        yield document


def _unlisted(document: Any, kind: str) -> list[Any]:
    """The items of a List; those of a CertificateSigningRequestList, for one, carry no kind of their own."""
    if not isinstance(document, Mapping) or document.get("kind") not in ("List", f"{kind}List"):
        return [document]
    items = document.get("items")
    if not isinstance(items, list):
        return []
    if document["kind"] == "List":
        return items
    return [{"kind": kind} | item if isinstance(item, dict) else item for item in items]
