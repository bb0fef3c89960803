"""An audit as a table with what to do, or as one document of JSON or YAML."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from csr_approver.cli.audit.certificates import Certificate
from csr_approver.cli.audit.entries import Entry
from csr_approver.cli.audit.states import NOT_DECIDED, STRANGER, WHAT_TO_DO, Severity, State
from csr_approver.cli.report import wrapped
from csr_approver.cli.table import table
from csr_approver.cli.terminal import line_width

_HEADINGS = ("STATE", "NODE", "REQUEST", "AGE", "REASON", "WHAT TO DO")
_DAY, _HOUR, _MINUTE = 86400, 3600, 60
_SHORTLY: Mapping[str, str] = {
    NOT_DECIDED: "csr-approver doctor",
    STRANGER: "find out who did it",
    State.NO_CERTIFICATE: "read the kubelet's log",
    State.SELF_SIGNED: "set serverTLSBootstrap: true",
    State.OTHER_AUTHORITY: "look at the kubelet's tlsCertFile",
    State.EXPIRED: "read the kubelet's log",
    State.NAME_MISSING: "look at its requests",
    State.EXPIRING: "read the kubelet's log",
    State.NO_REQUEST: "look with --tls",
    State.UNREACHABLE: "look from the cluster's network",
}


@dataclass(frozen=True, slots=True)
class Audit:
    """The entries in their order, and what they come from. `nodes` is None where they are not known.

    `settings` says by which settings requests were judged, None if none was.
    """

    at: datetime
    entries: Sequence[Entry]
    requests: int
    nodes: int | None
    settings: str | None

    def count(self, *, fine: bool) -> Counter[State]:
        """How many of each state are fine, or need somebody."""
        return Counter(entry.outcome.state for entry in self.entries if (entry.severity is Severity.FINE) is fine)


def as_text(audit: Audit, shown: Sequence[Entry]) -> str:
    """The table, what to do about each reason in it, and the counts."""
    if not shown:
        return "\n".join(_counts(audit))
    rows = [_cells(entry, audit.at) for entry in shown]
    lines, width = table(_HEADINGS, rows), line_width()
    if width and max(map(len, lines)) > width:
        lines = _narrow(rows)
    return "\n".join([*lines, "", *_what_to_do(shown), *_counts(audit)])


def _narrow(rows: Sequence[Sequence[str]]) -> list[str]:
    """The reason stands below each row; what is to be done stands below them all anyway."""
    heading, *lines = table(_HEADINGS[:4], [row[:4] for row in rows])
    told = [[line, *wrapped(row[4], "    ", "    ")] for line, row in zip(lines, rows, strict=True)]
    return [heading, *(line for each in told for line in each)]


def as_json(audit: Audit, shown: Sequence[Entry]) -> str:
    """One object."""
    return json.dumps(_document(audit, shown), indent=2)


def as_yaml(audit: Audit, shown: Sequence[Entry]) -> str:
    """The same object."""
    return yaml.dump(_document(audit, shown), Dumper=yaml.CSafeDumper, sort_keys=False, width=120).rstrip()


FORMS: Mapping[str, Callable[[Audit, Sequence[Entry]], str]] = {"table": as_text, "json": as_json, "yaml": as_yaml}
"""What --output names."""


def _cells(entry: Entry, now: datetime) -> Sequence[str]:
    others = sum(count for _, count in entry.requests) - 1
    return (
        entry.outcome.state,
        entry.node or entry.requester,
        f"{entry.request} +{others}" if others > 0 else entry.request or "-",
        _age(entry.since, now),
        entry.outcome.summary,
        _shortly(entry),
    )


def _shortly(entry: Entry) -> str:
    if entry.severity is Severity.FINE:
        return ""
    if entry.outcome.commands:
        return "see the command below"
    return _SHORTLY.get(entry.outcome.reason) or f"csr-approver explain {entry.request}"


def _age(since: datetime | None, now: datetime) -> str:
    """As kubectl writes it, more or less: one unit, cut."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _what_to_do(entries: Iterable[Entry]) -> Iterator[str]:
    """Once for each reason, in the order of the list."""
    counts: Counter[str] = Counter()
    commands: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.severity is Severity.FINE:
            continue
        outcome = entry.outcome
        counts.update(dict.fromkeys((outcome.reason, *outcome.reasons), 1))
        commands.setdefault(outcome.reason, {}).update(dict.fromkeys(outcome.commands))
    for reason, count in counts.items():
        yield f"{reason} ({count})"
        yield from wrapped(WHAT_TO_DO[reason], "  -> ", "     ")
        for command in commands.get(reason, ()):
            first, *others = command.splitlines()
            yield f"     $ {first}"
            yield from (f"         {line}" for line in others)
        yield ""


def _counts(audit: Audit) -> Iterator[str]:
    for fine, heading in ((False, "needs somebody"), (True, "fine")):
        states = audit.count(fine=fine)
        listed = ", ".join(f"{states[state]} {state}" for state in State if states[state])
        yield f"{heading:<16}{states.total()}" + (f": {listed}" if listed else "")
    nodes = "nodes are not known" if audit.nodes is None else f"{audit.nodes} nodes"
    yield f"{'read':<16}{audit.requests} requests, {nodes}"
    if audit.settings is not None:
        yield f"{'judged by':<16}{audit.settings}"


def _document(audit: Audit, shown: Sequence[Entry]) -> dict[str, Any]:
    """The same keys whatever was found; times are RFC 3339."""
    bad, fine = audit.count(fine=False), audit.count(fine=True)
    return {
        "at": _time(audit.at),
        "requests": audit.requests,
        "nodes": audit.nodes,
        "needsSomebody": {str(state): bad[state] for state in State},
        "fine": {str(state): fine[state] for state in State},
        "entries": [_entry(entry, audit.at) for entry in shown],
    }


def _entry(entry: Entry, now: datetime) -> dict[str, Any]:
    outcome = entry.outcome
    return {
        "state": str(outcome.state),
        "severity": str(entry.severity),
        "node": entry.node,
        "requester": entry.requester,
        "instance": entry.instance,
        "request": entry.request,
        "requests": {str(state): count for state, count in entry.requests},
        "since": _time(entry.since),
        "ageSeconds": None if entry.since is None else max(0, int((now - entry.since).total_seconds())),
        "verdict": outcome.verdict,
        "reason": str(outcome.reason),
        "reasons": [str(reason) for reason in outcome.reasons],
        "detail": outcome.detail,
        "certificate": outcome.certificate and _certificate(outcome.certificate),
        "whatToDo": "" if entry.severity is Severity.FINE else WHAT_TO_DO[outcome.reason],
        "commands": list(outcome.commands),
    }


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "notBefore": _time(certificate.not_before),
        "notAfter": _time(certificate.not_after),
        "names": sorted(map(str, certificate.names)),
    }


def _time(time: datetime | None) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else None
