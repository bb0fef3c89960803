"""csr-approver: the operator's command. It only reads."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.cli import audit, completion, denials, doctor, explain, replay
from csr_approver.cli.failures import aws_failure
from csr_approver.cli.inputs import InputError
from csr_approver.clients.api_server import KubernetesError
from csr_approver.environment import SettingsError

_USAGE_ERROR = 2
_INTERRUPTED = 130
# What the libraries log, of a retry for one, is told in our own words; without a handler it goes to standard error.
_NOWHERE = logging.NullHandler()

_COMMANDS = (explain, audit, denials, doctor, replay, completion)
_EXAMPLES = """\
examples:
  csr-approver explain ip-10-0-1-23.us-west-2.compute.internal  # why has this node no certificate?
  csr-approver audit                                            # what in this cluster needs somebody?
  csr-approver denials                                          # what was denied of late, and why?
  csr-approver doctor                                           # is everything set up right?
  csr-approver explain --help                                   # a command's options, with examples
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: nothing needs anybody; 1: something does; 2: a usage or input error, told in one line."""
    parsed = parser().parse_args(arguments)
    logging.getLogger().addHandler(_NOWHERE)
    try:
        status: int = parsed.run(parsed, print, _warn)
        sys.stdout.flush()
    except (BotoCoreError, ClientError) as error:
        _warn(aws_failure(error))
        return _USAGE_ERROR
    except (InputError, KubernetesError, SettingsError) as error:
        _warn(str(error))
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever reads, head for one, has seen enough. What is still in the buffer must go somewhere at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


class _Parser(argparse.ArgumentParser):
    """One that says what is wrong in one line; --help says the rest."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """All commands with their options, help and examples."""
    plain = argparse.RawDescriptionHelpFormatter
    top = _Parser(prog="csr-approver", description=__doc__, epilog=_EXAMPLES, formatter_class=plain)
    top.add_argument("--version", action="version", version=f"%(prog)s {version('eks-csr-approver')}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        below = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=command.SUMMARY,
            description=command.__doc__,
            epilog=command.EXAMPLES,
            formatter_class=plain,
        )
        command.add_arguments(below)
        below.set_defaults(run=command.run)
    return top


def _warn(line: str) -> None:
    print(f"csr-approver: {line}", file=sys.stderr)
