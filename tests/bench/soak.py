"""`make soak`: very many requests through the whole chain in one run. `python -m tests.bench.soak [REQUESTS]`

Most are honest, every twentieth has a flaw. Nothing may be lost and nothing decided wrongly, and the memory of the
watcher and of the approver must not grow. Decided requests are deleted, as kube-controller-manager's cleaner does, only
sooner than its hour: the watcher knows every request that there is, so that otherwise its memory would grow with them.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from csr_approver.policy.reason import Outcome
from tests.bench.chain import Chain, chain
from tests.bench.site import Site, site
from tests.bench.stand_ins import StandIns
from tests.bench.table import Row, Table
from tests.chaos.nodes import FLAWS, Node
from tests.chaos.stage import conditions
from tests.controlplane import AssetsNotFoundError
from tests.support.fleet import unchanged
from tests.watcher.harness import wait_until

REQUESTS = 20_000
_ENVIRONMENTS = 2
_EVERY_FLAWED = 20
# What EC2 has to say otherwise the stand-in cannot.
_FLAWS = [flaw for flaw in FLAWS if flaw.change is unchanged and flaw.bound]
# No more than so many are pending at once, so that the queue is as long at the end as in the beginning.
_MOST_PENDING = 500
_MADE_AT_ONCE = 100
_DELETERS = 4
# A denial that rests on EC2 is written when the request is a minute old; what was given up before, after another one.
_END_SECONDS = 240.0
_MOST_GROWTH = 1.15


@dataclass(slots=True)
class _Tally:
    """`pending` by name; `wrong` are sentences."""

    pending: dict[str, Node] = field(default_factory=dict)
    ignored: dict[str, Node] = field(default_factory=dict)
    endings: Counter[str] = field(default_factory=Counter)
    denied: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    watcher_mib: list[float] = field(default_factory=list)
    approver_mib: list[float] = field(default_factory=list)


def measure(requests: int = REQUESTS, *, real: bool = True) -> Table:
    """Raises AssetsNotFoundError without a real API server, if it is to be one."""
    tally = _Tally()
    with site(real=real) as place, StandIns() as stand_ins, chain(place, stand_ins, _ENVIRONMENTS) as product:
        began = time.monotonic()
        for start in range(0, requests, _MADE_AT_ONCE):
            nodes = [_node(number) for number in range(start, min(start + _MADE_AT_ONCE, requests))]
            _note_asked(tally, nodes, [made["metadata"]["name"] for made in place.ask(nodes)])
            _settle(place, product, tally)
            while sum(_is_honest(node) for node in tally.pending.values()) > _MOST_PENDING:
                _settle(place, product, tally)
            _tell(requests, tally)
        asked = time.monotonic() - began

        def ended() -> bool:
            _settle(place, product, tally)
            _tell(requests, tally)
            return not tally.pending

        try:
            wait_until(ended, _END_SECONDS)
        except AssertionError:
            tally.wrong += [f"{node} has got no decision" for node in tally.pending.values()]
        recorded = Counter(record["uid"] for record in product.system.denials)
        unrecorded = len(tally.denied ^ recorded.keys())
        dead = product.system.dead_letters
    for sentence in tally.wrong[:10]:
        print(sentence, file=sys.stderr)
    return Table(
        f"a soak of {requests} requests ({'real' if real else 'local'} API server)",
        [
            Row("seconds", "until the last was made", asked, "s", f"{requests / asked:.0f} a second"),
            *(Row(ending, ending, number, "") for ending, number in sorted(tally.endings.items())),
            Row("ignored", "not ours, and left alone", len(tally.ignored), ""),
            Row("lost", "lost: no decision", len(tally.pending), "", most=0),
            Row("wrong", "wrong or lost", len(tally.wrong), "", most=0),
            Row("unrecorded", "denied and not on record, or the reverse", unrecorded, "", most=0),
            Row("dead_letters", "messages in the dead-letter queue", dead, "", most=0),
            _memory("watcher_mib", "watcher: memory in the last quarter", tally.watcher_mib),
            _memory("approver_mib", "approver: memory in the last quarter", tally.approver_mib),
        ],
    )


def _node(number: int) -> Node:
    if number % _EVERY_FLAWED:
        return Node(number)
    flaw = _FLAWS[number // _EVERY_FLAWED % len(_FLAWS)]
    return Node(number, flaw=flaw)


def _is_honest(node: Node) -> bool:
    return node.flaw is None


def _note_asked(tally: _Tally, nodes: Sequence[Node], names: Sequence[str]) -> None:
    for node, name in zip(nodes, names, strict=True):
        left_alone = node.flaw and node.flaw.reason.outcome is not Outcome.DENY
        (tally.ignored if left_alone else tally.pending)[name] = node


def _settle(place: Site, product: Chain, tally: _Tally) -> None:
    """Look at what is decided, and delete it."""
    done = []
    for item in place.admin.list().body["items"]:
        name, found = item["metadata"]["name"], conditions(item)
        if not found:
            continue
        done.append(name)
        node = tally.pending.pop(name, None) or tally.ignored.pop(name)
        if found != [node.ending]:
            tally.wrong.append(f"{node} has {found}")
        tally.endings[f"{found[0][0]}: {found[0][1]}"] += 1
        if found[0][0] == "Denied":
            tally.denied.add(item["metadata"]["uid"])
    with ThreadPoolExecutor(_DELETERS) as pool:
        assert all(answer.status == 200 for answer in pool.map(place.admin.delete, done))
    if not done:
        time.sleep(0.1)
    tally.watcher_mib.append(product.watcher_mib())
    tally.approver_mib.append(max((each.done[-1].resident_mib for each in product.approvers if each.done), default=0.0))


def _tell(requests: int, tally: _Tally) -> None:
    if sys.stderr.isatty():
        decided = sum(tally.endings.values())
        print(
            f"\r{decided} of {requests} decided, {len(tally.pending)} pending, {len(tally.wrong)} wrong ",
            end="",
            file=sys.stderr,
        )


def _memory(key: str, name: str, sampled: list[float]) -> Row:
    quarter = len(sampled) // 4
    first, last = (statistics.median(part) for part in (sampled[:quarter], sampled[-quarter:]))
    return Row(key, name, last, "MiB", "limit: in the first quarter", _MOST_GROWTH, first)


def main() -> None:
    """Exit status 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("requests", nargs="?", type=int, default=REQUESTS, metavar="REQUESTS")
    requests = parser.parse_args().requests
    if requests < _MADE_AT_ONCE:
        parser.error(f"{requests} requests are no soak: {_MADE_AT_ONCE} are the fewest")
    try:
        table = measure(requests)
    except AssetsNotFoundError as error:
        print(f"on the local API server, for {error}", file=sys.stderr)
        table = measure(requests, real=False)
    print(table.text())
    for row in table.rows:
        if row.failed:
            print(f"missed: {row.complaint}", file=sys.stderr)
    sys.exit(any(row.failed for row in table.rows))


if __name__ == "__main__":
    main()
