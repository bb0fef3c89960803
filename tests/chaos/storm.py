"""Nodes ask while things go wrong; then everything works again, and this is how it must end."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

from csr_approver.policy.reason import Reason
from tests.chaos.disturbances import Strikes
from tests.chaos.disturbances.rivals import RIVAL
from tests.chaos.stage import Stage, conditions
from tests.watcher.harness import wait_until

AnyStage = TypeVar("AnyStage", bound=Stage)
_SECONDS = 60.0


@contextmanager
def repeatable(seed: int, chosen: Sequence[Callable[..., Strikes]]) -> Iterator[None]:
    """Let whatever fails say how it is played again."""
    try:
        yield
    except BaseException as error:
        names = ", ".join(each.__name__ for each in chosen)
        error.add_note(f"seed {seed} of {names}: CHAOS_SEEDS={seed + 1} plays it again")
        raise


def rage(stage: AnyStage, disturbances: Sequence[Callable[[AnyStage], Strikes]], seconds: float, times: int) -> None:
    """The nodes ask one by one within these seconds. So many times meanwhile, half of the disturbances strike again."""
    with ExitStack() as stack:
        begun = [stack.enter_context(closing(disturbance(stage))) for disturbance in disturbances]
        for strikes in begun:
            next(strikes)
        every = len(stage.nodes) // (times + 1)
        for number, node in enumerate(stage.nodes, 1):
            stage.ask(node)
            time.sleep(seconds / len(stage.nodes))
            if number % every == 0:
                for strikes in stage.random.sample(begun, (len(begun) + 1) // 2):
                    next(strikes)


def settle(stage: Stage) -> None:
    """Until every request is decided that has to be, and nothing is on any queue; denied kubelets ask again."""

    def settled() -> bool:
        for node, request in dict(stage.requests()).items():
            if node in stage.lied_about and conditions(request) == [("Denied", Reason.NAME_RESOLVES_ELSEWHERE)]:
                stage.ask(node)
        decided = all(conditions(request) for node, request in stage.requests() if node.ending)
        return decided and not stage.left_on_queues

    wait_until(settled, _SECONDS)


def check(stage: Stage) -> None:
    """Every legitimate request is approved, no other is by us, no fault became a denial, each denial is on record."""
    denied: dict[str, str] = {}
    may_be_recorded: set[str] = set()
    newest = dict(stage.requests())
    for node, request in stage.requests():
        uid, decided = request["metadata"]["uid"], conditions(request)
        allowed = [[node.ending] if node.ending else []]
        if node in stage.lied_about and request is not newest[node]:
            allowed.append([("Denied", Reason.NAME_RESOLVES_ELSEWHERE)])
        if decided == [("Approved", RIVAL)]:
            may_be_recorded |= {uid} if node.flaw else set()
        else:
            assert decided in allowed, f"{node} has {decided}"
        if decided and decided[0][0] == "Denied":
            denied[uid] = decided[0][1]
    _check_records(stage, denied, may_be_recorded)
    assert [line for line in stage.system.log if line["level"] == "ERROR"] == []


def _check_records(stage: Stage, denied: dict[str, str], overtaken: set[str]) -> None:
    """One a denied request, once repeats are folded; and perhaps one of a denial that a rival's approval overtook."""
    recorded: defaultdict[str, set[str]] = defaultdict(set)
    for record in stage.system.denials:
        recorded[record["uid"]].add(record["reason"])
    assert {uid: {reason} for uid, reason in denied.items()} == {
        uid: reasons for uid, reasons in recorded.items() if uid not in overtaken
    }
