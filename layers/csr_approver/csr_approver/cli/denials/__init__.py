"""`csr-approver denials`: what was denied of late, to which node and why.

The records are those of the stack's denial log group: one for each request that was denied, and one for each that was
approved and got no certificate. A kubelet whose request was denied asks again within seconds, in the end every 32
seconds, so that one node can have thousands: they are counted in one line, and --each shows them all. Then comes what
to do about each reason.

It needs logs:FilterLogEvents on the log group, and cloudformation:ListStackResources to find it by the stack.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from botocore import exceptions

from csr_approver.cli.denials import presented
from csr_approver.cli.denials.records import LATENESS, DenialRecords, Question, Record
from csr_approver.cli.failures import aws_failure, require_credentials
from csr_approver.cli.inputs import InputError
from csr_approver.cli.live import Live, add_live_arguments
from csr_approver.cli.stack import stack_resources
from csr_approver.message import Trouble
from csr_approver.policy.reason import Outcome, Reason
from csr_approver.policy.times import parse_time

SUMMARY = "show what was denied of late, to which node and why"
EXAMPLES = """\
examples:
  csr-approver denials                                            # the last day
  csr-approver denials --since 2h --reason AddressNotOfInstance
  csr-approver denials --node ip-10-0-1-23.us-west-2.compute.internal --each
  csr-approver denials --follow --output json | jq .message
"""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhd])")
# Of a node or an instance; it becomes part of a filter pattern.
_NODE = re.compile(r"[A-Za-z0-9._-]{1,253}")
_REASONS = (*(reason for reason in Reason if reason.outcome is Outcome.DENY), *Trouble)
_POLL_SECONDS = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which records, and how they are shown."""
    parser.add_argument(
        "--since", metavar="TIME", default="24h", type=_time, help="30m, 2h, 7d ago, or a time (RFC 3339)"
    )
    parser.add_argument("--until", metavar="TIME", type=_time, help="likewise; now, if not given")
    parser.add_argument("--node", metavar="NAME", type=_node, help="of this node only, by its name or its instance id")
    parser.add_argument("--reason", metavar="REASON", type=_reason, help="with this reason only (docs/policy.md)")
    parser.add_argument("--each", action="store_true", help="a line for each record, instead of one a node and reason")
    parser.add_argument("--limit", metavar="N", type=_limit, default=100, help="of the lines, the newest N")
    parser.add_argument("--follow", action="store_true", help="go on with what comes, a line a record, until Ctrl-C")
    parser.add_argument("--log-group", metavar="NAME", help="the stack's denial log group, if not given")
    add_live_arguments(parser, stack_help="the stack that keeps the records [csr-approver-CLUSTER]")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Oldest first. Exit status 0 whether or not there are any. Raises BotoCoreError, InputError, SettingsError."""
    if arguments.follow and arguments.until:
        raise InputError("--follow goes on for ever: without --until")
    live = Live(arguments, warn)
    require_credentials(live.aws)
    group = arguments.log_group or stack_resources(live.aws, live.stack_name)["DenialLogGroup"]
    records = DenialRecords(live.aws, Question(group, arguments.node, arguments.reason))
    found = records.read(arguments.since, arguments.until)
    if arguments.follow:
        show = presented.document if arguments.output == "json" else presented.line
        _tell_each(found[-arguments.limit :], show, tell)
        _follow(records, lambda more: _tell_each(more, show, tell), warn)
    if arguments.output == "json":
        _tell_each(found, presented.document, tell)
    elif not found:
        tell(f"no such record in {group} since {presented.time_of(arguments.since)}")
    else:
        lines, left_out = (presented.each if arguments.each else presented.folded)(found, arguments.limit)
        tell("\n".join([*lines, "", presented.summary(found), "", *presented.advice(found)]))
        if left_out:
            warn(f"{left_out} older lines are left out: see --limit")
    if records.unreadable:
        warn(f"{records.unreadable} events in {group} are no records, and were passed over")
    return 0


def _tell_each(records: Iterable[Record], show: Callable[[Record], str], tell: Callable[[str], None]) -> None:
    for record in records:
        tell(show(record))
    sys.stdout.flush()


def _follow(records: DenialRecords, tell: Callable[[list[Record]], None], warn: Callable[[str], None]) -> None:
    """Until Ctrl-C. Goes on while AWS does not answer."""
    silent = False
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            tell(records.read(datetime.now(UTC) - LATENESS))
            silent = False
        except exceptions.HTTPClientError as error:
            if not silent:
                warn(f"{aws_failure(error)}; going on")
            silent = True


def _time(text: str) -> datetime:
    if match := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[match["unit"]]: int(match["number"])})
    if moment := parse_time(text):
        return moment
    raise argparse.ArgumentTypeError(f"{text!r} is neither like 30m, 2h or 7d nor a time like 2026-01-01T13:30:53Z")


def _node(text: str) -> str:
    if _NODE.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no name of a node and no instance id")


def _reason(text: str) -> str:
    if text in tuple(_REASONS):
        return text
    close = get_close_matches(text, map(str, _REASONS), n=2, cutoff=0.5)
    hint = f"; perhaps {' or '.join(close)}" if close else ""
    raise argparse.ArgumentTypeError(f"{text!r} is no reason of a denial{hint}: see docs/policy.md")


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of lines")
