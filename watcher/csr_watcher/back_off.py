"""How long to wait after a failure."""

from collections.abc import Callable

# The API server takes seconds to come back, and kubelets are waiting: longer waits would spare it next to nothing.
_LONGEST_SECONDS = 5.0


class BackOff:
    """Doubles with each failure up to 5 s; half of it is chance, so that those who failed together do not return so."""

    def __init__(self, first_seconds: float, random: Callable[[], float]) -> None:
        self._first_seconds = first_seconds
        self._random = random
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether nothing has succeeded since the last failure."""
        return self._failures > 0

    def failed(self, at_least: float = 0) -> float:
        """Seconds to wait now. `at_least`: what a server asked for; more than the longest wait is not granted."""
        seconds = min(self._first_seconds * 2.0 ** min(self._failures, 10), _LONGEST_SECONDS)
        self._failures += 1
        return max(seconds * (0.5 + 0.5 * self._random()), min(at_least, _LONGEST_SECONDS))

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._failures = 0
