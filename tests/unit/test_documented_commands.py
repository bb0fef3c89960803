"""Every `aws` command in the documentation is one that the AWS CLI knows, with options that it knows and needs.

The AWS CLI makes its commands from the service models that botocore has, too.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

DOCS = Path(__file__).parents[2] / "docs"

# AWS CLI, "Command line options" and "Shared options"; those of commands that the CLI adds to the models.
GLOBAL_OPTIONS = {"no-cli-pager", "no-paginate", "output", "profile", "query", "region"}
OWN_COMMANDS = {
    ("cloudformation", "wait"): {"stack-name"},
    ("eks", "update-kubeconfig"): {"alias", "name"},
    ("logs", "tail"): {"filter-pattern", "follow", "format", "since"},
    ("s3", "cp"): set[str](),
    ("s3", "mb"): set[str](),
}


# Up to the pipe, the semicolon or the redirection that ends it.
_COMMAND = re.compile(r"""\baws [a-z0-9-]+ [a-z0-9-]+(?:'[^']*'|"[^"]*"|[^'"|;>])*""")


def commands() -> Iterator[tuple[str, str]]:
    """Each command in a block of the console, with its continuation lines, or in the text, if it has options there."""
    for path in sorted(DOCS.glob("**/*.md")):
        text = path.read_text()
        for block in (
            *re.findall(r"^ *```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE),
            *re.findall(r"`(aws [^`]* --[^`]*)`", text),
        ):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                inner = re.findall(r"\$\(([^()]*)\)", line)
                for part in (*inner, re.sub(r"\$\([^()]*\)", "VALUE", line)):
                    yield from ((path.name, command) for command in re.findall(_COMMAND, part))


@cache
def service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def operation(name: str, command: str) -> OperationModel:
    found = {xform_name(each, "-"): each for each in service(name).operation_names}
    assert command in found, f"aws {name} {command}"
    return service(name).operation_model(found[command])


@pytest.mark.parametrize(("document", "command"), sorted(set(commands())))
def test_the_aws_cli_knows(document: str, command: str) -> None:
    _, name, verb, *words = shlex.split(command, comments=True)
    options = {word[2:] for word in words if word.startswith("--")} - GLOBAL_OPTIONS
    if (name, verb) in OWN_COMMANDS:
        assert options <= OWN_COMMANDS[name, verb]
        return
    shape = operation(name, verb).input_shape
    assert shape is not None
    members = {xform_name(member, "-"): member for member in shape.members}
    switches = {f"no-{option}" for option, member in members.items() if shape.members[member].type_name == "boolean"}
    assert options <= members.keys() | switches
    assert {xform_name(member, "-") for member in shape.required_members} <= options


def test_there_are_some() -> None:
    assert any(True for _ in commands())
