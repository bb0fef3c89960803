"""The environment that template.yaml gives a function, as far as it is known without a stack."""

from collections.abc import Iterator, Mapping
from typing import Any

from csr_approver.settings import ENVIRONMENT_PREFIX
from tests.support.cloudformation import template

# What AWS itself sets, or what only this machine needs; and settings, for whoever wants to get one wrong.
_KEPT = ("AWS_", "KUBECONFIG", ENVIRONMENT_PREFIX)


def deployed_environment(logical_id: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that the template names, and no others of ours.

    What is written in the template holds; what only a stack knows is taken from `environment`; a parameter that is not
    set there has its default.
    """
    kept = {name: value for name, value in environment.items() if name.startswith(_KEPT)}
    return kept | dict(_variables(logical_id, environment)) | dict(_logging(logical_id))


def _variables(logical_id: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in _property(logical_id, "Environment").get("Variables", {}).items():
        match value:
            case str() | int() | float():
                yield name, str(value)
            case _ if name in environment:
                yield name, environment[name]
            case {"Ref": str(parameter)} if "Default" in template()["Parameters"].get(parameter, {}):
                yield name, str(template()["Parameters"][parameter]["Default"])


def _logging(logical_id: str) -> Iterator[tuple[str, str]]:
    """What Lambda makes of LoggingConfig."""
    config = _property(logical_id, "LoggingConfig")
    for key, name in (("LogFormat", "AWS_LAMBDA_LOG_FORMAT"), ("ApplicationLogLevel", "AWS_LAMBDA_LOG_LEVEL")):
        if isinstance(config.get(key), str):
            yield name, config[key]


def _property(logical_id: str, name: str) -> dict[str, Any]:
    """Globals, with the function's own on top, as SAM merges them."""
    of_all = template().get("Globals", {}).get("Function", {}).get(name, {})
    own = template()["Resources"][logical_id]["Properties"].get(name, {})
    return _merged(of_all, own)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], over[key])
        for key in under.keys() & over.keys()
        if isinstance(under[key], dict) and isinstance(over[key], dict)
    }
    return under | over | both
