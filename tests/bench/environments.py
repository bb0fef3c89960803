"""Execution environments of the approver, as many processes as Lambda would have, and the bare loop beside them.

Run as a program it is one of them: a line with what it is started with, then a batch a line in, what came of it out.
"""

import json
import queue
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

from csr_approver.clients.kubernetes import KubernetesApi
from csr_approver_local.lambda_runtime import FunctionError, Invocation, load
from tests.api_client import ApiClient
from tests.support.requests import ACCOUNT, REGION

Item = TypeVar("Item")
_ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 20.0
_BY_US = {"type": "Approved", "status": "True", "reason": "Bare", "message": "by a loop that does nothing else"}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a batch.

    `sent_seconds`: for each approval, from the batch's arrival in the process to its PUT. `peak_mib`: the most that was
    resident so far, `resident_mib` what is now. `cpu_seconds`: of this batch.
    """

    seconds: float
    cpu_seconds: float
    sent_seconds: list[float]
    resident_mib: float
    peak_mib: float
    result: Any = None
    error: dict[str, Any] | None = None

    def invocation(self) -> Invocation:
        """As an event source mapping wants it."""
        return Invocation(self.result, FunctionError(**self.error) if self.error else None, [], self.seconds)


class Environment:
    """One process. Use as a context manager."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        self._start = start

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._write(self._start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def await_start(self) -> None:
        """Until it takes batches."""
        self._read()

    def run(self, batch: Any) -> Done:
        """Pass it a batch, and wait."""
        self._write(batch)
        return Done(**self._read())

    def _write(self, document: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(document) + "\n")
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


def approver(environment: Mapping[str, str]) -> Environment:
    """The function; a batch is the event of an SQS queue."""
    return Environment({"environment": environment})


def bare_loop(url: str, ca_pem: bytes, token: str, in_flight: int, *, reads: bool) -> Environment:
    """What only approves, so many at once; a batch is a list of objects as they were read. `reads`: reads each anew."""
    return Environment({"url": url, "ca_pem": ca_pem.decode(), "token": token, "in_flight": in_flight, "reads": reads})


@contextmanager
def started(environments: Sequence[Environment]) -> Iterator[Sequence[Environment]]:
    """All of them, ready for batches."""
    with ExitStack() as stack:
        for each in environments:
            stack.enter_context(each)
        for each in environments:
            each.await_start()
        yield environments


def drain(environments: Sequence[Environment], batches: Sequence[Any]) -> tuple[float, list[Done]]:
    """Seconds until all batches are done, each environment having one at a time; what came of them."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for batch in batches:
        waiting.put(batch)

    def work(environment: Environment) -> list[Done]:
        done: list[Done] = []
        while True:
            try:
                batch = waiting.get_nowait()
            except queue.Empty:
                return done
            done.append(environment.run(batch))

    began = time.monotonic()
    with ThreadPoolExecutor(len(environments)) as pool:
        results = [each for done in pool.map(work, environments) for each in done]
    return time.monotonic() - began, results


def memory_mib(field: str, process: str = "self") -> float:
    """Of a process's memory, VmRSS (what is resident) or VmHWM (the most that was), by proc_pid_status(5)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(value) / 1024


def in_batches(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Of this size, the last one perhaps smaller."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def event(bodies: Sequence[str], queue_arn: str = f"arn:aws:sqs:{REGION}:{ACCOUNT}:csr") -> dict[str, Any]:
    """What Lambda invokes the function with for these messages, each received for the first time, just now."""
    now = str(int(time.time() * 1000))
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": now, "ApproximateFirstReceiveTimestamp": now}
    return {
        "Records": [
            {
                "messageId": str(uuid4()),
                "receiptHandle": str(uuid4()),
                "body": body,
                "attributes": attributes | {"SenderId": "AROAEXAMPLE"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": queue_arn,
                "awsRegion": REGION,
            }
            for body in bodies
        ]
    }


class _Approver:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._function = load("approver", environment, account_id=ACCOUNT, timeout_seconds=_TIMEOUT_SECONDS)
        self._sent: list[float] = []
        put_approval = KubernetesApi.put_approval

        def noted(api: KubernetesApi, document: Mapping[str, Any]) -> None:
            self._sent.append(time.monotonic())
            put_approval(api, document)

        setattr(KubernetesApi, "put_approval", noted)  # noqa: B010 - mypy wants methods left alone

    def run(self, batch: Any) -> tuple[list[float], dict[str, Any]]:
        self._sent.clear()
        invocation = self._function.invoke(batch)
        error = invocation.error
        told = {"error_type": error.error_type, "message": error.message} if error else None
        return self._sent, {"result": invocation.result, "error": told}


class _BareLoop:
    def __init__(self, url: str, ca_pem: str, token: str, in_flight: int, reads: bool) -> None:
        self._client, self._reads = ApiClient(url, ca_pem.encode(), token), reads
        self._pool = ThreadPoolExecutor(in_flight)

    def run(self, batch: Any) -> tuple[list[float], dict[str, Any]]:
        statuses = list(self._pool.map(self._approve, batch))
        assert set(statuses) == {200}, statuses
        return [], {}

    def _approve(self, document: dict[str, Any]) -> int:
        if self._reads:
            document = self._client.get(document["metadata"]["name"]).body
        return self._client.put_approval(document | {"status": {"conditions": [_BY_US]}}).status


def _main() -> None:
    start = json.loads(sys.stdin.readline())
    worker = _Approver(**start) if "environment" in start else _BareLoop(**start)
    print("{}", flush=True)
    for line in sys.stdin:
        batch = json.loads(line)
        began, cpu = time.monotonic(), time.process_time()
        sent, told = worker.run(batch)
        measured = Done(
            time.monotonic() - began,
            time.process_time() - cpu,
            [at - began for at in sent],
            memory_mib("VmRSS"),
            memory_mib("VmHWM"),
            **told,
        )
        fields = {name: getattr(measured, name) for name in Done.__slots__}
        print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    _main()
