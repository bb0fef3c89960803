"""Records of denials and troubles, as the denial log has them (effects/denials.py, effects/troubles.py)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from csr_approver.cli.log_events import LogEvent, read_events
from csr_approver.clients.aws import AwsClients

# A record is written some seconds after the time that it bears, and minutes where the recorder had to try again.
LATENESS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Record:
    """One denial or trouble. `at` is when it was decided or reported; `stored` is the record as it was written.

    `reasons` are all of a denial's findings', the first one first. Texts are as they came, empty where there is none.
    """

    at: datetime
    uid: str
    node: str
    name: str
    reasons: tuple[str, ...]
    detail: str
    stored: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """The first one: that of the condition."""
        return self.reasons[0] if self.reasons else ""


@dataclass(frozen=True, slots=True)
class Question:
    """Which records: of this node or instance, with this reason; None is any."""

    group: str
    node: str | None = None
    reason: str | None = None

    @property
    def pattern(self) -> str:
        """What CloudWatch is to look for (CloudWatch Logs user guide, filter patterns for JSON)."""
        kinds = '($.kind = "denial") || ($.kind = "trouble")'
        if self.node is None:
            return f"{{ {kinds} }}"
        return f'{{ ({kinds}) && (($.node = "{self.node}") || ($.instance = "{self.node}")) }}'

    def asks_for(self, record: Record) -> bool:
        """The reason may be any of the record's findings'."""
        return self.reason is None or self.reason in record.reasons


class DenialRecords:
    """Reads them; what was told once is not told again, whether it was written twice or read twice."""

    def __init__(self, aws: AwsClients, question: Question) -> None:
        self._aws, self._question = aws, question
        self._told: set[tuple[str, str]] = set()
        self.unreadable = 0
        """Events that are no records: who may write to the group can write anything."""

    def read(self, since: datetime, until: datetime | None = None) -> list[Record]:
        """The new ones, the oldest first. Raises InputError and BotoCoreError."""
        events = read_events(self._aws, self._question.group, since, until, self._question.pattern)
        return sorted(self._new(events), key=lambda record: record.at)

    def _new(self, events: Iterator[LogEvent]) -> Iterator[Record]:
        for event in events:
            record = read_record(event)
            if record is None:
                self.unreadable += 1
            elif (key := (record.uid, record.reason)) not in self._told and self._question.asks_for(record):
                self._told.add(key)
                yield record


def read_record(event: LogEvent) -> Record | None:
    """None for what is no record."""
    stored = event.fields
    if stored is None or not isinstance(stored.get("uid"), str):
        return None
    findings = stored.get("findings")
    reasons = [each.get("reason") for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []
    first = stored.get("reason") or stored.get("trouble") or ""
    return Record(
        event.at,
        stored["uid"],
        _text(stored, "node"),
        _text(stored, "name"),
        tuple(dict.fromkeys(map(str, (first, *reasons)))),
        _text(stored, "message") or _text(stored, "detail"),
        stored,
    )


def _text(stored: Mapping[str, Any], name: str) -> str:
    value = stored.get(name)
    return value if isinstance(value, str) else ""
