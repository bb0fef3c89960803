"""The functions die, or are given the same message twice."""

from tests.chaos.disturbances import Strikes, lasts
from tests.chaos.function_process import Death
from tests.chaos.stage import Stage

_SHARE = 0.4
_MOST_DEATHS = 3


def functions_die_unheard(stage: Stage) -> Strikes:
    """A function that runs in this process does all that it has to, and Lambda never learns of it."""
    for mortal in stage.mortals:
        mortal.share = _SHARE
    try:
        yield from lasts()
    finally:
        for mortal in stage.mortals:
            mortal.share = 0.0


def approver_dies_before_it_writes(stage: Stage) -> Strikes:
    """Its process is killed as it turns to the API server with a decision; a denial is on record by then."""
    yield from _deaths(stage, "before the write")


def approver_dies_after_it_wrote(stage: Stage) -> Strikes:
    """Its process is killed as the API server has taken a decision; others of the batch may not be written yet."""
    yield from _deaths(stage, "after the write")


def _deaths(stage: Stage, death: Death) -> Strikes:
    dice = stage.dice(death)

    def fate() -> Death | None:
        # At least once, however the dice fall; and each new process costs a second.
        died = stage.approvers.died
        return death if died < _MOST_DEATHS and (not died or dice.random() < _SHARE) else None

    stage.approvers.deaths.append(fate)
    try:
        yield from lasts()
    finally:
        stage.approvers.deaths.remove(fate)


def messages_come_twice(stage: Stage) -> Strikes:
    """What one environment of the function has, another has at the same time, out of order, with older ones again."""
    stage.approvers.share = 0.7
    try:
        yield from lasts()
    finally:
        stage.approvers.share = 0.0
