"""From requests, nodes and what kubelets present to an entry a node. Pure.

A kubelet that is denied makes a request every 32 seconds, one that waits makes one every 15 minutes. So the newest
request of a requester speaks for those before it that are open or failed for the same reason, back to the last that was
issued. Only a certificate settles anything, and what is suspicious stays even then.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from csr_approver.cli.audit.nodes import Look, NodeState
from csr_approver.cli.audit.presented import look_outcome, validity
from csr_approver.cli.audit.requests import RequestState
from csr_approver.cli.audit.states import Outcome, Severity, State
from csr_approver.policy.verdict import DENIAL_MINIMUM_AGE

# What EC2 does not confirm is denied after its first minute; what is undetermined is looked at again within another.
_DECIDED_WITHIN = 2 * DENIAL_MINIMUM_AGE
# As the watcher counts them (docs/policy.md, NotIssued).
_ISSUED_WITHIN = timedelta(seconds=60)
# client-go, util/certificate: a kubelet waits 15 min for a request, half a minute after a denial, and makes another.
_ASKS_AGAIN_WITHIN = timedelta(minutes=20)
# nodeadm waits up to 10 min for the node's name; the kubelet asks about a second after it starts.
_ASKS_WITHIN = timedelta(minutes=10)
# kube-controller-manager, certificates/cleaner: what is decided is deleted after an hour.
_KEPT = timedelta(hours=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_WITH_CERTIFICATE = frozenset({State.ISSUED, State.EXPIRED, State.EXPIRING})
_ORDER = {state: number for number, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A node, or a requester that is none, and what is to be said of its certificate.

    `request` is the name of its newest request, made at `created_at`; `requests` says how many there are in which state
    since the last certificate. They are empty where there is none. `requester` and `instance` are as in RequestState.
    `since`: when the oldest of these came to this. `asks_no_more`: a kubelet that still wanted one would have asked.
    """

    severity: Severity
    outcome: Outcome
    node: str
    since: datetime | None
    requester: str = ""
    instance: str = ""
    request: str = ""
    requests: tuple[tuple[State, int], ...] = ()
    created_at: datetime | None = None
    asks_no_more: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that was read. `nodes` by name, None if they are not known; `looks` by node, empty if nobody looked.

    `is_current`: the requests are those that there are now.
    """

    requests: Sequence[RequestState]
    nodes: Mapping[str, NodeState] | None
    looks: Mapping[str, Look]
    is_current: bool


def entries(snapshot: Snapshot, now: datetime) -> list[Entry]:
    """The worst first; of those that are equally bad the oldest."""
    speaking: list[Entry] = []
    others: list[Entry] = []
    for group in _by_requester(snapshot.requests):
        own, *earlier = _entries_of(group, snapshot.is_current, now)
        (speaking if own.node and _speaks_for_a_node(group[0]) else others).append(own)
        others += earlier
    of_nodes: dict[str, Entry] = {}
    for entry in sorted(speaking, key=_newness):
        # Of two instances of one name, the one that asked last is the node.
        others += [of_nodes[entry.node]] if entry.node in of_nodes else []
        of_nodes[entry.node] = entry
    return sorted([*_with_nodes(of_nodes, snapshot, now), *others], key=_badness)


def _by_requester(requests: Iterable[RequestState]) -> Iterator[list[RequestState]]:
    """Each requester's requests for one node, the newest first; a new instance of an old name is another requester."""
    groups: dict[tuple[str, str, str], list[RequestState]] = {}
    for request in requests:
        groups.setdefault((request.requester, request.instance, request.node), []).append(request)
    for group in groups.values():
        yield sorted(group, key=_newness, reverse=True)


def _newness(of: RequestState | Entry) -> tuple[datetime, bool]:
    """By creation, which has whole seconds: of two in one second, the one that is issued is the older."""
    return of.created_at or _LONG_AGO, of.outcome.state is not State.ISSUED


def _speaks_for_a_node(request: RequestState) -> bool:
    return request.is_nodes or request.outcome.state is State.WRONG_MAPPING


def _entries_of(group: Sequence[RequestState], is_current: bool, now: datetime) -> Iterator[Entry]:
    """That of the newest request, then one for each other reason before it."""
    newest = group[0]
    unsettled = list(takewhile(lambda request: request.outcome.state is not State.ISSUED, group)) or [newest]
    suspicious = [request for request in group[len(unsettled) :] if request.outcome.is_suspicious]
    alike: dict[tuple[str, bool], list[RequestState]] = {}
    for request in (*unsettled, *suspicious):
        alike.setdefault((request.outcome.reason, request.outcome.is_suspicious), []).append(request)
    own, *earlier = alike.values()
    asks_no_more = is_current and _speaks_for_a_node(newest) and _age(newest.created_at, now) > _ASKS_AGAIN_WITHIN
    severity, outcome = _judge(newest.outcome, is_first=len(unsettled) == 1, asks_no_more=asks_no_more, now=now)
    if severity is not Severity.FINE and outcome is newest.outcome and asks_no_more:
        outcome = _adding(outcome, "asks no more")
    yield replace(_entry(own, severity), outcome=outcome, asks_no_more=asks_no_more)
    for requests in earlier:
        # The kubelet has gone on to the next.
        yield _entry(requests, Severity.SUSPICIOUS if requests[0].outcome.is_suspicious else Severity.RISK)


def _entry(alike: Sequence[RequestState], severity: Severity) -> Entry:
    newest = alike[0]
    counts = Counter(each.outcome.state for each in alike)
    return Entry(
        severity,
        newest.outcome,
        newest.node,
        min((each.outcome.since for each in alike if each.outcome.since), default=None),
        newest.requester,
        newest.instance,
        newest.name,
        tuple(sorted(counts.items(), key=lambda count: _ORDER[count[0]])),
        newest.created_at,
    )


def _judge(outcome: Outcome, *, is_first: bool, asks_no_more: bool, now: datetime) -> tuple[Severity, Outcome]:
    if outcome.is_suspicious:
        return Severity.SUSPICIOUS, outcome
    age = _age(outcome.since, now)
    match outcome.state:
        case State.ISSUED:
            invalid = validity(outcome.certificate, now) if outcome.certificate else None
            return invalid or (Severity.FINE, outcome)
        case State.NOT_ISSUED if age < _ISSUED_WITHIN:
            return Severity.FINE, outcome
        # A denied kubelet always has a new one, whose denial is due.
        case State.PENDING if age < _DECIDED_WITHIN and (is_first or not outcome.reasons):
            return Severity.FINE, outcome
    return (Severity.RISK if asks_no_more else Severity.BROKEN), outcome


def _with_nodes(of_nodes: Mapping[str, Entry], snapshot: Snapshot, now: datetime) -> Iterator[Entry]:
    if snapshot.nodes is None:
        yield from of_nodes.values()
        return
    for name, entry in of_nodes.items():
        if name not in snapshot.nodes:
            known_fine = entry.severity is Severity.FINE
            yield entry if known_fine else replace(entry, outcome=_adding(entry.outcome, "the node is not there"))
    for name, node in snapshot.nodes.items():
        entry = of_nodes.get(name) or _without_request(node, snapshot.is_current, now)
        look = snapshot.looks.get(name)
        yield _with_look(entry, look_outcome(node, look, now), _age(node.created_at, now)) if look else entry


def _without_request(node: NodeState, is_current: bool, now: datetime) -> Entry:
    if is_current and _ASKS_WITHIN < _age(node.created_at, now) < _KEPT:
        detail = "the node is younger than an hour, and there is no request of it"
        outcome = Outcome(State.NO_REQUEST, reason=State.NO_REQUEST, summary="made no request", detail=detail)
        return Entry(Severity.RISK, outcome, node.name, node.created_at)
    detail = "its last request was deleted"
    outcome = Outcome(State.UNSEEN, summary=detail, detail=detail)
    return Entry(Severity.FINE, outcome, node.name, node.created_at)


def _with_look(entry: Entry, looked: tuple[Severity, Outcome], node_age: timedelta) -> Entry:
    severity, presented = looked
    if not entry.request or entry.outcome.state in _WITH_CERTIFICATE:
        if presented.state is State.NO_CERTIFICATE and node_age < _ASKS_WITHIN:
            severity = Severity.FINE
        return replace(entry, severity=severity, outcome=presented, since=presented.since)
    both = _adding(entry.outcome, presented.summary)
    if entry.severity in (Severity.FINE, Severity.SUSPICIOUS):
        return replace(entry, outcome=both)
    if severity is not Severity.FINE:
        return replace(entry, severity=max(entry.severity, severity), outcome=both)
    if entry.asks_no_more:
        return replace(entry, severity=severity, outcome=presented, since=presented.since)
    # It asks for another one in vain: for a name or an address that is new, or to renew it.
    return replace(entry, severity=Severity.RISK, outcome=both)


def _adding(outcome: Outcome, clause: str) -> Outcome:
    return replace(outcome, summary=f"{outcome.summary}; {clause}", detail=f"{outcome.detail}; {clause}")


def _age(time: datetime | None, now: datetime) -> timedelta:
    """What has no readable time is old; what is of the future, by another clock, is new."""
    return max(now - (time or _LONG_AGO), timedelta())


def _badness(entry: Entry) -> tuple[int, int, datetime, str, str]:
    return -entry.severity, _ORDER[entry.outcome.state], entry.since or _LONG_AGO, entry.node, entry.request
