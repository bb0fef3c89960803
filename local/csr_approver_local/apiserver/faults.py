"""What a test or a replay lets go wrong with the next requests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from csr_approver_local.apiserver.status import StatusError


@dataclass(slots=True)
class _Fault:
    method: str
    path_suffix: str
    effect: Callable[[], object]
    times: float

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and path.endswith(self.path_suffix)


class Faults:
    """Effects on requests by method and end of path, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []

    def add(self, method: str, path_suffix: str, effect: Callable[[], object], *, times: float) -> None:
        """`effect` runs before the request is handled; a StatusError that it raises is the answer."""
        with self._lock:
            self._faults.append(_Fault(method, path_suffix, effect, times))

    def strike(self, method: str, path: str) -> None:
        """Run what was asked for this request. Raises what the effects raise."""
        for fault in list(self._faults):
            with self._lock:
                if not fault.matches(method, path):
                    continue
                fault.times -= 1
            # Outside the lock: an effect may itself be a client of this server. One that raises leaves the later
            # ones for the next request.
            fault.effect()


def refusal(code: int) -> StatusError:
    """The server's answer for a fault of its own; 429, 503 and 504 ask to come back after a second."""
    details = {"retryAfterSeconds": 1} if code in (429, 503, 504) else {}
    return StatusError(code, "fault asked for by the test", details=details)
