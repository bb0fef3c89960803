"""template.yaml read as it is written, and its strings with references left in as `${LogicalId}`."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, each as its long form."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


@cache
def template() -> Mapping[str, Any]:
    """The template, read once."""
    document: Mapping[str, Any] = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 (a SafeLoader)
    return document


def resources(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def kind_of(logical_id: str) -> str | None:
    """The resource's type; None if there is none of that id."""
    resource = template()["Resources"].get(logical_id)
    return resource["Type"] if resource else None


def resolved(value: Any) -> Any:
    """Functions worked out as far as text goes: `${Name}` stays for what is only known when the stack is made.

    Of an If, the branch that is taken when the condition holds.
    """
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": [str(text), dict(variables)]}:
            known = {name: str(resolved(inner)) for name, inner in variables.items()}
            return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], match[0]), text)
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(resolved(part)) for part in parts)
        case {"Fn::If": [_, then, _]}:
            return resolved(then)
        case {"Fn::ToJsonString": inner}:
            return json.dumps(resolved(inner))
        case dict():
            return {name: resolved(inner) for name, inner in value.items()}
        case list():
            return [resolved(inner) for inner in value]
        case _:
            return value


def referred(text: str) -> str:
    """The logical id in `${LogicalId}` or `${LogicalId.Attribute}`; anything else is returned as it is."""
    match = re.fullmatch(r"\$\{(\w+)(?:\.\w+)?\}", text)
    return match[1] if match else text
