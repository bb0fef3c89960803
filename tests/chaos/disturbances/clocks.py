"""The clocks disagree. That EC2's is ahead of the API server's is part of every fleet (tests.chaos.nodes)."""

from tests.chaos.clock import set_function_clock
from tests.chaos.disturbances import Strikes
from tests.chaos.local_stage import LocalStage
from tests.chaos.replicas import Threads

# The watcher abandons what is older than twenty minutes; a denial waits until the request is a minute old.
_WATCHER_SECONDS = 25 * 60
_FUNCTION_SECONDS = 30


def clocks_disagree(stage: LocalStage) -> Strikes:
    """The watchers' clock is 25 minutes ahead of the API server's or behind it, the functions' half a minute."""
    assert isinstance(stage.replicas, Threads)
    dice = stage.dice("clocks")
    # They look at their own clock once, when they start.
    stage.replicas.stop()
    stage.replicas.ahead_seconds = dice.choice([-1, 1]) * _WATCHER_SECONDS
    stage.replicas.start()
    try:
        while True:
            for function in ("approver", "denial_recorder"):
                set_function_clock(function, dice.choice([-1, 1]) * _FUNCTION_SECONDS)
            yield
    finally:
        for function in ("approver", "denial_recorder"):
            set_function_clock(function, 0)
