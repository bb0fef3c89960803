"""What may go wrong. Each disturbance is a generator over a stage.

Up to its first `yield` it begins; with each step more it strikes again; when it is closed, it puts things right.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from tests.chaos.stage import Stage

Strikes: TypeAlias = Generator[None, None, None]


def lasts() -> Strikes:
    """For what goes on by itself from its beginning to its end."""
    while True:
        yield


@contextmanager
def refused(stage: Stage, code: str, share: float, *operations: str) -> Iterator[None]:
    """AWS refuses this share of the calls of these operations with that error code."""
    dice = stage.dice(code)
    for operation in operations:
        stage.system.aws.fail_share(operation, code, share, dice.randrange(1_000_000))
    try:
        yield
    finally:
        for operation in operations:
            stage.system.aws.fail_share(operation, code, 0.0, 0)
