"""Functions as Lambda and SQS may treat them: killed, and given the same message more than once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from csr_approver_local.lambda_runtime import Function, FunctionError, Invocation
from tests.chaos.function_process import Death, FunctionProcess, Start

# What fails five times is for the dead-letter queue, and no fault any more.
_MOST_DEATHS_A_MESSAGE = 2


def may_die(event: Any) -> bool:
    """Whether the death of the function would leave its messages enough tries."""
    receives = (int(record["attributes"]["ApproximateReceiveCount"]) for record in event["Records"])
    return max(receives) <= _MOST_DEATHS_A_MESSAGE


class Mortal:
    """A function that dies at times when all is done but nobody was told: the batch comes back as a whole."""

    def __init__(self, function: Function, chance: random.Random) -> None:
        self._function, self._chance = function, chance
        self.share = 0.0

    def invoke(self, event: Any) -> Invocation:
        """Pass the event to the handler."""
        invocation = self._function.invoke(event)
        if self._chance.random() >= self.share or not may_die(event):
            return invocation
        killed = FunctionError("Runtime.ExitError", "killed by the test")
        return Invocation(None, killed, invocation.log_lines, invocation.seconds)


class Environments:
    """As many execution environments of a function as events come at once, each in a process of its own.

    `deaths` are asked for each event whether the process dies of it. A `share` of the events is given to two
    environments at the same time, to one of them in another order and with messages of before among them.
    """

    def __init__(self, start: Start, warm: int, chance: random.Random, on_repeat: Callable[[Invocation], None]) -> None:
        """So many are `warm` from the beginning. `on_repeat` is told what came of a second invocation."""
        self._start = start
        self._chance, self._on_repeat = chance, on_repeat
        self._all = [FunctionProcess(start) for _ in range(warm)]
        self._free = list(self._all)
        self._lock = Lock()
        self._past: list[Any] = []
        self._pool = ThreadPoolExecutor(1)
        self.deaths: list[Callable[[], Death | None]] = []
        self.share = 0.0

    @property
    def died(self) -> int:
        """How often one of them has."""
        return sum(process.deaths for process in self._all)

    def invoke(self, event: Any) -> Invocation:
        """Pass the event to the handler."""
        again = None
        if self._chance.random() < self.share:
            records = [*event["Records"], *self._chance.sample(self._past, min(3, len(self._past)))]
            self._chance.shuffle(records)
            again = self._pool.submit(self._run, {"Records": records}, None)
        self._past += event["Records"]
        deaths = [death() for death in self.deaths] if may_die(event) else []
        invocation = self._run(event, next(filter(None, deaths), None))
        if again:
            self._on_repeat(again.result())
        return invocation

    def close(self) -> None:
        """End them."""
        self._pool.shutdown()
        for process in self._all:
            process.close()

    def _run(self, event: Any, death: Death | None) -> Invocation:
        with self._lock:
            if not self._free:
                self._free.append(FunctionProcess(self._start))
                self._all += self._free
            process = self._free.pop()
        try:
            return process.invoke(event, death)
        finally:
            self._free.append(process)
