"""Requests played together through the real handlers, and how each of them ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from csr_approver.policy.reason import Reason
from csr_approver_local.dns_answers import Behaviour
from csr_approver_local.system import System
from csr_approver_local.world import World
from tests.support.worlds import default_world

NOTHING = "nothing"
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one request: the last decision in the log, what the API server holds, what CloudWatch holds."""

    verdict: str
    reasons: tuple[str, ...]
    written: str
    """`Denied: SubjectMismatch`, or NOTHING if the object is as it was."""
    records: int
    message: str = field(default="", compare=False)


Row: TypeAlias = tuple[Callable[[], dict[str, Any]], Ending]
"""How to make the request, when the table is played and not before: keys are costly. And how it must end."""

APPROVED = Ending("Approve", (), "Approved: NodeVerified", records=0)


def denied(*reasons: Reason) -> Ending:
    """Denied for all of these reasons; the condition has the first of them."""
    ordered = tuple(sorted(reasons))
    return Ending("Deny", ordered, f"Denied: {ordered[0]}", records=1)


def left(*reasons: Reason) -> Ending:
    """Undetermined: nothing is written, nothing is recorded."""
    return Ending("Undetermined", tuple(sorted(reasons)), NOTHING, records=0)


def ignored(reason: Reason) -> Ending:
    """Somebody else's business."""
    return Ending("Ignore", (reason,), NOTHING, records=0)


@dataclass(frozen=True, slots=True)
class Played:
    """The endings by the sentence of the row, and what went wrong with the function itself."""

    endings: Mapping[str, Ending]
    troubles: list[str]


def play(
    rows: Mapping[str, Row],
    world: World | None = None,
    settings: Mapping[str, str] | None = None,
    behaviours: Mapping[str, Behaviour] | None = None,
) -> Played:
    """All requests in one system and as few batches as can be, until nothing is left to deliver."""
    with System(world or default_world(), settings, behaviours, batch_size=_BATCH) as system:
        names = {sentence: system.submit(make()) for sentence, (make, _) in rows.items()}
        before = {name: system.cluster.stored(name) or {} for name in names.values()}
        system.run()
        return Played(
            {sentence: ending_of(system, before[name]) for sentence, name in names.items()},
            troubles(system),
        )


def check(ending: Ending, expected: Ending) -> None:
    """The ending is the expected one, and a node's operator can read why."""
    assert ending == expected
    if expected.written.startswith("Denied"):
        assert 0 < len(ending.message) <= 200
        assert ending.message.isascii()
        assert ending.message.isprintable()


def ending_of(system: System, before: Mapping[str, Any]) -> Ending:
    """How the request ended that was `before` when it was submitted."""
    metadata = before["metadata"]
    decisions = [line for line in system.decisions if line["uid"] == metadata["uid"]]
    last: Mapping[str, Any] = decisions[-1] if decisions else {}
    written, message = _written(before, system.cluster.stored(metadata["name"]) or {})
    return Ending(
        verdict=last.get("verdict", f"none, but {last.get('effect')} {last.get('error')}"),
        reasons=tuple(last.get("reasons", ())),
        written=written,
        records=len({record["uid"] for record in system.denials} & {metadata["uid"]}),
        message=message,
    )


def troubles(system: System) -> list[str]:
    """What must never be there, whatever the requests: failed invocations, unexpected errors, dead letters."""
    return [
        *(str(invocation.error) for invocation in system.invocations if invocation.error),
        *(f"{line['message']}: {line.get('exception')}" for line in system.log if line["level"] == "ERROR"),
        *(["dead letters"] if system.dead_letters else []),
    ]


def _written(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    if after == before:
        return NOTHING, ""
    conditions = after["status"].get("conditions", [])
    if conditions[:-1] != before.get("status", {}).get("conditions", []) or _kept(after) != _kept(before):
        return f"more than a condition: {after}", ""
    return f"{conditions[-1]['type']}: {conditions[-1]['reason']}", conditions[-1]["message"]


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision leaves alone: all but the conditions and the resource version."""
    metadata = {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
    status = {key: value for key, value in (document.get("status") or {}).items() if key != "conditions"}
    return {**document, "metadata": metadata, "status": status}
