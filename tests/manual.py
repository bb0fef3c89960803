"""The manual of `csr-approver`, docs/cli.md, from the command's own parser.

What argparse prints differs from one Python to the next and with the terminal's width; what a parser is made of
does not. argparse has no public names for that; those used here have been the same from Python 3.11 to 3.14.
"""

import argparse
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from csr_approver.cli.main import parser
from csr_approver.settings import ENVIRONMENT_PREFIX

_WIDTH = 100

ENVIRONMENT = {
    f"{ENVIRONMENT_PREFIX}<SETTING>": "A setting, as for the functions: `CSR_APPROVER_DNS_CHECK=off` is "
    "`--set dns-check=off`, which goes first. An unknown one is an error.",
    "KUBECONFIG": "The kubeconfig files, as kubectl reads them; `--kubeconfig` goes first.",
    "AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID, ...": "As the AWS CLI reads them; `--profile` and `--region` "
    "go first.",
    "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>": "Other endpoints than AWS's own, as the AWS CLI reads them.",
    "COLUMNS": "How wide a line may be, where standard output is a terminal.",
}
FILES = {
    "~/.kube/config": "The kubeconfig, if neither `--kubeconfig` nor `KUBECONFIG` names another.",
    "~/.aws/config, ~/.aws/credentials": "Profiles and regions, as the AWS CLI keeps them.",
    "/etc/resolv.conf": "The resolvers that names are looked up with, unless `dns-servers` is set.",
}
STATUS = {
    "0": "Done, and nothing that was asked about needs anybody.",
    "1": "Done, and something does: the command's section says what.",
    "2": "A usage or input error, missing credentials or permission, or no answer. One line on standard error says "
    "what was asked, what was found and what to change.",
    "130": "Interrupted.",
}
SEE_ALSO = {
    "troubleshooting.md": "from what you see to what to do",
    "policy.md": "what is checked, and what each reason means",
    "operations.md": "deploying, alarms, the kill switch",
    "architecture.md#settings": "the settings",
}


class Command(NamedTuple):
    """One command: what it is called, the line about it, and its parser."""

    name: str
    summary: str
    parser: argparse.ArgumentParser


def commands(top: argparse.ArgumentParser) -> list[Command]:
    """In the order of --help."""
    (below,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in below._choices_actions}
    return [Command(name, summaries[name], each) for name, each in below.choices.items()]


def manual() -> str:
    """Markdown, which ends with a line's end."""
    top = parser()
    name, _, purpose = (top.description or "").partition(": ")
    sections = [
        f"# {top.prog}",
        "<!-- Made by `make docs` from the command's own options. Do not edit. -->",
        f"## Name\n\n`{name}`: {_sentence(purpose)}",
        f"## Synopsis\n\n{_code(_synopsis(top))}",
        _description(top),
        *(_command(command) for command in commands(top)),
        _table("Environment", ENVIRONMENT),
        _table("Files", FILES),
        _table("Exit status", STATUS),
        "## See also\n\n" + "\n".join(f"- [{path}]({path}): {text}" for path, text in SEE_ALSO.items()),
    ]
    return "\n\n".join(sections) + "\n"


def _description(top: argparse.ArgumentParser) -> str:
    rows = [f"| [`{command.name}`](#{command.name}) | {_cell(command.summary)} |" for command in commands(top)]
    return "\n".join(
        [
            "## Commands",
            "",
            "All commands but `replay` only read: the most that they send are reviews of your own rights, and dry",
            "runs. They find clusters, credentials and resolvers as kubectl and the AWS CLI do. `--help` after a",
            "command prints what its section says.",
            "",
            "| command | |",
            "|---|---|",
            *rows,
            "",
            _examples(top),
        ]
    )


def _command(command: Command) -> str:
    _, _, text = (command.parser.description or "").strip().partition(": ")
    parts = [f"## {command.name}", _sentence(text), _code(_synopsis(command.parser))]
    for group in command.parser._action_groups:
        actions = [action for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
        if actions:
            heading = {"positional arguments": "argument", "options": "option"}.get(str(group.title), str(group.title))
            parts.append("\n".join([f"| {heading} | default | |", "|---|---|---|", *map(_row, actions)]))
    return "\n\n".join([*parts, _examples(command.parser)])


def _row(action: argparse.Action) -> str:
    names = ", ".join(f"`{name}`" for name in _invocations(action))
    default = "" if action.default in (None, False, [], argparse.SUPPRESS) else f"`{action.default}`"
    return f"| {_cell(names)} | {default} | {_cell(_help(action))} |"


def _help(action: argparse.Action) -> str:
    """With argparse's %-references filled in."""
    return (action.help or "") % vars(action)


def _invocations(action: argparse.Action) -> list[str]:
    return [f"{option} {_value(action)}".strip() for option in action.option_strings] or [_metavar(action)]


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "|".join(map(str, action.choices))
    return action.dest.upper() if action.option_strings else action.dest


def _value(action: argparse.Action) -> str:
    """What is written after the option, or for a positional argument."""
    name = _metavar(action)
    match action.nargs:
        case None:
            return name
        case 0:
            return ""
        case argparse.ZERO_OR_MORE:
            return f"[{name} ...]"
        case argparse.ONE_OR_MORE:
            return f"{name} [{name} ...]"
        case argparse.PARSER:
            return f"{name} ..."
        case other:
            raise NotImplementedError(f"{name}: nargs={other!r}")


def _synopsis(of: argparse.ArgumentParser) -> Iterator[str]:
    """The positional arguments, then the options, in lines that are cut between them."""
    actions = sorted(of._actions, key=lambda action: bool(action.option_strings))
    arguments = [_argument(action) for action in actions if not isinstance(action, argparse._HelpAction)]
    wrapped = textwrap.wrap(
        # A space that may not be cut at, until the lines are made.
        " ".join(argument.replace(" ", "\N{NO-BREAK SPACE}") for argument in arguments),
        _WIDTH - len(of.prog) - 1,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, line in enumerate(wrapped):
        start = of.prog if number == 0 else " " * len(of.prog)
        yield f"{start} {line}".replace("\N{NO-BREAK SPACE}", " ")


def _argument(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action)
    text = _invocations(action)[0] if action.required else f"[{_invocations(action)[0]}]"
    return f"{text} ..." if isinstance(action, argparse._AppendAction) else text


def _examples(of: argparse.ArgumentParser) -> str:
    _, _, lines = (of.epilog or "").partition("\n")
    return "Examples:\n\n" + _code(textwrap.dedent(lines).splitlines(), "sh")


def _code(lines: Iterable[str], language: str = "text") -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def _table(heading: str, rows: Mapping[str, str]) -> str:
    lines = (f"| {', '.join(f'`{key}`' for key in keys.split(', '))} | {_cell(text)} |" for keys, text in rows.items())
    return "\n".join([f"## {heading}", "", "| | |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
