"""`csr-approver doctor`: whether a cluster and its stack are set up right, and what to do where they are not.

One line a check. `ok`: as it should be. `!`: to be mended, with what to do below it. `?`: could not be looked at,
mostly because a permission is missing, which is named. `-`: does not apply here. Each check stands for itself: one that
cannot look keeps no other from looking. Nothing is changed; one check asks the API server for a dry run of an approval.

Exit status: 0 when nothing is to be mended, 1 when something is, 2 for a usage or input error.
"""

import argparse
import json
from collections.abc import Callable

from csr_approver.cli.doctor.examination import Line, examine
from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import State
from csr_approver.cli.failures import require_credentials
from csr_approver.cli.live import Live, add_live_arguments
from csr_approver.cli.report import wrapped
from csr_approver.cli.terminal import progress
from csr_approver.policy.verdict import shown

_DETAIL_WIDTH = 1000

SUMMARY = "look whether a cluster and its stack are set up right"
EXAMPLES = """\
examples:
  csr-approver doctor                                           # the kubeconfig's cluster and its stack
  csr-approver doctor --stack csr-approver-demo --context demo
  csr-approver doctor --output json | jq '.[] | select(.state == "wrong")'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the stack, the cluster and the watcher are."""
    parser.add_argument(
        "--watcher-namespace", metavar="NAME", default="csr-approver", help="where the watcher was installed"
    )
    add_live_arguments(parser, stack_help="the stack [csr-approver-CLUSTER]")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Print a line a check. Raises BotoCoreError, InputError and SettingsError where nothing at all can be asked."""
    live = Live(arguments, warn)
    require_credentials(live.aws)
    facts = Facts(live, arguments.watcher_namespace)
    lines: list[Line] = []
    for number, line in enumerate(examine(facts)):
        progress("")
        if arguments.output == "text":
            if not lines or lines[-1].section != line.section:
                tell(f"{'' if number == 0 else chr(10)}{line.section}")
            tell(_text(line))
        lines.append(line)
        progress("looking ...")
    progress("")
    if arguments.output == "json":
        tell(json.dumps([_document(line) for line in lines], indent=2))
    else:
        tell(f"\n{_summary(lines)}")
    return int(any(line.found.state is State.WRONG for line in lines))


def _text(line: Line) -> str:
    found = line.found
    start = f"  {found.state.mark:<3} {line.name:<27}  "
    text = wrapped(shown(found.detail, _DETAIL_WIDTH), start, " " * len(start))
    return "\n".join([*text, *(f"{' ' * 6}-> {command}" for command in found.mend.splitlines())])


def _document(line: Line) -> dict[str, str]:
    found = line.found
    return {
        "section": line.section,
        "check": line.name,
        "state": found.state.word,
        "detail": found.detail,
        "mend": found.mend,
    }


def _summary(lines: list[Line]) -> str:
    counts = {state: sum(line.found.state is state for line in lines) for state in State}
    return (
        f"{counts[State.OK]} ok, {counts[State.WRONG]} to be mended, {counts[State.UNKNOWN]} not known,"
        f" {counts[State.NOT_APPLICABLE]} not applicable"
    )
