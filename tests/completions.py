"""The scripts with which shells complete `csr-approver`, from its own parser."""

from pathlib import Path

import shtab

from csr_approver.cli.main import parser
from tests.manual import commands


def script(shell: str) -> str:
    """As `csr-approver completion SHELL` prints it; ends with a line's end."""
    top = parser()
    for command in commands(top):
        # A shell shows one line about a command: the summary, which is taken where there is no description.
        command.parser.description = None
        for action in command.parser._actions:
            if action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined] # where shtab looks for it
    return f"{shtab.complete(top, shell).strip()}\n"
