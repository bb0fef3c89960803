"""A function in a process of its own, that can be killed where it hurts: just before or after it writes a decision.

Run as a program it is that process: a line with its environment, then an event a line in, an invocation a line out.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from csr_approver.clients.kubernetes import KubernetesApi
from csr_approver_local.lambda_runtime import FunctionError, Invocation, load
from tests.chaos.clock import set_function_clock
from tests.chaos.impatience import hurry

_ROOT = Path(__file__).parents[2]

Death: TypeAlias = Literal["before the write", "after the write"]


@dataclass(frozen=True, slots=True)
class Start:
    """What a process is started with: a function's name, what `load` takes, and by how much its clock is ahead."""

    function: str
    environment: Mapping[str, str]
    account_id: str
    timeout_seconds: float
    ahead_seconds: float = 0.0


class FunctionProcess:
    """An execution environment. One that has died is replaced at the next event, as Lambda does."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._process: subprocess.Popen[str] | None = self._started()
        self.deaths = 0

    def invoke(self, event: object, death: Death | None = None) -> Invocation:
        """Pass the event to the handler. With `death`, the process dies there at the first decision that it writes."""
        process = self._process = self._process or self._started()
        stdin, stdout = _pipes(process)
        stdin.write(json.dumps([event, death]) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            self.deaths += 1
            self.close()
            return Invocation(None, FunctionError("Runtime.ExitError", "killed by the test"), [], 0.0)
        said = json.loads(line)
        error = FunctionError(**said.pop("error")) if said["error"] else said.pop("error")
        return Invocation(error=error, **said)

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stdin, _ = _pipes(process)
        stdin.write(json.dumps(asdict(self._start)) + "\n")
        stdin.flush()
        return process


def _pipes(process: subprocess.Popen[str]) -> Any:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout


def _main() -> None:
    hurry(setattr)
    start = Start(**json.loads(sys.stdin.readline()))
    function = load(
        start.function, start.environment, account_id=start.account_id, timeout_seconds=start.timeout_seconds
    )
    set_function_clock(start.function, start.ahead_seconds)
    put_approval = KubernetesApi.put_approval
    deaths: list[Death | None] = []

    def put_and_die(api: KubernetesApi, document: Mapping[str, Any]) -> None:
        if deaths[-1] != "before the write":
            put_approval(api, document)
        if deaths[-1]:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(KubernetesApi, "put_approval", put_and_die)  # noqa: B010 - mypy wants methods left alone
    for line in sys.stdin:
        event, death = json.loads(line)
        deaths.append(death)
        print(json.dumps(asdict(function.invoke(event))), flush=True)


if __name__ == "__main__":
    _main()
