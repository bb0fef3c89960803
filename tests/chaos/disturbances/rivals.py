"""Others who write to the same requests, so that the function's own writes meet theirs: 409, 422."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from urllib3.exceptions import HTTPError

from tests.chaos.disturbances import Strikes, lasts
from tests.chaos.stage import NOTE, Stage, conditions

RIVAL = "Rival"
"""The reason of a rival's approval."""

_SHARE = 0.4
# One more than the function reads, decides and writes again before it leaves a request to the next delivery.
_MOST_NOTES = 4
_APPROVAL = {"type": "Approved", "status": "True", "reason": RIVAL, "message": "whoever it is"}

Meet: TypeAlias = Callable[[str], None]


def a_rival_approves(stage: Stage) -> Strikes:
    """Somebody approves, whoever asks, just as we decide: two requests of five."""
    dice = stage.dice("approves")

    def meet(name: str) -> None:
        if dice.random() < _SHARE:
            stage.ambush(name, lambda: _put(stage, name, _APPROVAL))

    with _meeting(stage, meet):
        yield from lasts()


def a_rival_takes_notes(stage: Stage) -> Strikes:
    """Somebody writes a condition that decides nothing just as we decide, and again as we try again."""
    dice = stage.dice("takes notes")

    def meet(name: str, number: int = 1) -> None:
        def write() -> None:
            _put(stage, name, {"type": NOTE, "status": "True", "reason": RIVAL, "message": f"note {number}"})
            if number < _MOST_NOTES:
                meet(name, number + 1)

        if dice.random() < _SHARE or number > 1:
            stage.ambush(name, write)

    with _meeting(stage, meet):
        yield from lasts()


@contextmanager
def _meeting(stage: Stage, meet: Meet) -> Iterator[None]:
    stage.on_request.append(meet)
    try:
        yield
    finally:
        stage.on_request.remove(meet)


def _put(stage: Stage, name: str, condition: dict[str, Any]) -> None:
    """Unless it is decided already, or the API server is away."""
    with suppress(HTTPError):
        document = stage.rival.get(name).body
        if document["kind"] == "Status" or conditions(document):
            return
        status = document.get("status", {})
        others = [each for each in status.get("conditions", []) if each["type"] != condition["type"]]
        stage.rival.put_approval(document | {"status": {**status, "conditions": [*others, condition]}})
