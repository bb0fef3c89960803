"""Log lines for what fails many times a second or for hours: its beginning, a reminder now and then, and its end."""

import logging
import math
import time
from threading import Lock

_REMINDER_SECONDS = 60.0
# What fails now and then works for a moment in between: no news either way.
_CALM_SECONDS = 5.0
_NOTHING = ("", -math.inf)


class Outage:
    """Of one thing, named for a sentence: "SQS", "the API server". Safe for many threads."""

    def __init__(self, logger: logging.Logger, name: str) -> None:
        self._logger, self._name = logger, name
        self._lock = Lock()
        self._began: float | None = None
        self._failed_at = 0.0
        self._said = _NOTHING
        self._failures = 0

    def failed(self, problem: str) -> None:
        """Say so, if it is news."""
        with self._lock:
            now = time.monotonic()
            self._began = now if self._began is None else self._began
            self._failed_at = now
            self._failures += 1
            text, at = self._said
            if now - at < (_REMINDER_SECONDS if text == problem else _CALM_SECONDS):
                return
            self._said = (problem, now)
            extra = {"error": problem, "failures": self._failures, "seconds": round(now - self._began, 1)}
        self._logger.warning("%s fails", self._name, extra=extra)

    def succeeded(self) -> None:
        """Say so, if it had failed and has not for some seconds."""
        with self._lock:
            if self._began is None or time.monotonic() - self._failed_at < _CALM_SECONDS:
                return
            extra = {"failures": self._failures, "seconds": round(self._failed_at - self._began, 1)}
            self._began, self._said, self._failures = None, _NOTHING, 0
        self._logger.info("%s works again", self._name, extra=extra)
