"""csr-approver: the operator's command. It only reads."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from csr_approver.cli import explain, replay
from csr_approver.cli.inputs import InputError

_USAGE_ERROR = 2

_EXPLAIN_EXAMPLES = """\
examples:
  csr-approver explain csr-6plsz --set cluster=demo
  csr-approver explain --csr csr.json --instances instances.json --instance-profiles profiles.json \\
      --roles roles.json --cluster cluster.json --zone zone.db --output json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: every request got its verdict; 2: a usage or input error, told in one line."""
    parsed = _parser().parse_args(arguments)
    try:
        status = int(parsed.run(parsed))
        sys.stdout.flush()
    except InputError as error:
        _warn(str(error))
        return _USAGE_ERROR
    except BrokenPipeError:
        # Whoever reads, head for one, has seen enough. What is still in the buffer must go somewhere at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


class _Parser(argparse.ArgumentParser):
    """One that says what is wrong in one line; --help says the rest."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE_ERROR, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="csr-approver", description=__doc__)
    parser.add_argument("--version", action="version", version=version("eks-csr-approver"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    explaining = commands.add_parser(
        "explain",
        help="decide requests as the function would, write nothing, and say why",
        description=explain.__doc__,
        epilog=_EXPLAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    explain.add_arguments(explaining)
    explaining.set_defaults(run=_explain)
    replaying = commands.add_parser(
        "replay", help="play sample events through the real handlers, on this machine", description=replay.__doc__
    )
    replay.add_arguments(replaying)
    replaying.set_defaults(run=replay.run)
    return parser


def _explain(parsed: argparse.Namespace) -> int:
    explain.run(parsed, print, _warn)
    return 0


def _warn(line: str) -> None:
    print(f"csr-approver: {line}", file=sys.stderr)
