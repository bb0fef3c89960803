"""Records as lines."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from csr_approver.cli.advice import ADVICE
from csr_approver.cli.denials.records import Record
from csr_approver.cli.report import wrapped
from csr_approver.cli.table import table
from csr_approver.policy.verdict import shown

_DETAIL_WIDTH = 200


def folded(records: Sequence[Record], limit: int) -> tuple[list[str], int]:
    """A line for the records of one node with one reason, in the order of the last of them; how many are left out."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        key = record.node, record.reason
        groups[key] = [*groups.pop(key, []), record]
    kept = list(groups.values())[-limit:]
    rows = [(time_of(group[-1].at), _times(group), *_cells(group[-1])) for group in kept]
    return table(("LAST", "TIMES", "NODE", "REQUEST", "REASON", "DETAIL"), rows), len(groups) - len(kept)


def each(records: Sequence[Record], limit: int) -> tuple[list[str], int]:
    """A line a record; how many are left out."""
    kept = records[-limit:]
    rows = [(time_of(record.at), *_cells(record)) for record in kept]
    return table(("TIME", "NODE", "REQUEST", "REASON", "DETAIL"), rows), len(records) - len(kept)


def line(record: Record) -> str:
    """One record by itself."""
    return "  ".join((time_of(record.at), *_cells(record)))


def document(record: Record) -> str:
    """The record as it is stored, in one line."""
    return json.dumps(record.stored, separators=(",", ":"))


def advice(records: Sequence[Record]) -> Iterator[str]:
    """What to do about each reason, once."""
    told = {record.reason for record in records}
    for reason, text in ADVICE.items():
        if reason in told:
            yield str(reason)
            yield from wrapped(text, "  -> ", " " * 5)


def summary(records: Sequence[Record]) -> str:
    """How many requests there are, of how many nodes."""
    nodes = len({record.node for record in records})
    return f"{_count(len(records), 'request')} of {_count(nodes, 'node')}"


def time_of(moment: datetime) -> str:
    """In UTC, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _times(group: Sequence[Record]) -> str:
    return f"x{len(group)} since {time_of(group[0].at)}" if len(group) > 1 else "x1"


def _cells(record: Record) -> tuple[str, str, str, str]:
    note = "" if record.stored.get("written", True) else "not denied, only recorded: "
    detail = note + record.detail
    return shown(record.node) or "-", shown(record.name), shown(record.reason), shown(detail, _DETAIL_WIDTH)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
