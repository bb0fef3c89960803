"""The whole chain: the watcher's process, the local SQS, pollers, the approver's processes; and the denial recorder."""

import math
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from csr_approver_local.event_source import EventSourceMapping
from csr_approver_local.lambda_runtime import Invocation
from csr_approver_local.system import System
from tests.bench.environments import Done, Environment, approver, started
from tests.bench.site import Site
from tests.bench.stand_ins import StandIns
from tests.support.worlds import default_world
from tests.watcher.harness import wait_until
from tests.watcher.process import free_port, leading_to, page

_ROOT = Path(__file__).parents[2]
_POLL_SECONDS = 1
_START_SECONDS = 30.0
_RESIDENT = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)


class Approver:
    """An execution environment as an event source mapping sees it. `done` is what came of each batch."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.done: list[Done] = []

    def invoke(self, event: Any) -> Invocation:
        """Pass the event to the handler."""
        done = self._environment.run(event)
        self.done.append(done)
        return done.invocation()


class Chain:
    """At work. `system` holds the queues and the records of denials."""

    def __init__(self, system: System, approvers: list[Approver], port: int) -> None:
        self.system, self.approvers = system, approvers
        self._port = port

    def watcher_mib(self) -> float:
        """What is resident of the watcher's process."""
        return resident_mib(self._port)


@contextmanager
def chain(place: Site, stand_ins: StandIns, environments: int) -> Iterator[Chain]:
    """Everything that it takes between an API server and its kubelets' certificates, but for the signer."""
    with ExitStack() as stack:
        system = stack.enter_context(System(default_world(), kubeconfig=place.kubeconfig("approver")))
        variables = place.environment(
            stand_ins,
            AWS_ENDPOINT_URL_SQS=system.aws.endpoint_url,
            CSR_QUEUE_URL=system.csr_queue,
            DENIAL_QUEUE_URL=system.denial_queue,
        )
        processes = stack.enter_context(started([approver(variables) for _ in range(environments)]))
        approvers = [Approver(process) for process in processes]
        sources = [EventSourceMapping(system.sqs, system.csr_queue, each) for each in approvers]
        port = stack.enter_context(_watcher(place, system))
        stopping = threading.Event()
        pollers = [
            threading.Thread(target=_poll, args=(source.poll_once, stopping))
            for source in (*sources, system.recorder_source)
        ]
        for poller in pollers:
            poller.start()
            stack.callback(poller.join)
        stack.callback(stopping.set)
        yield Chain(system, approvers, port)


def resident_mib(port: int) -> float:
    """What is resident of the watcher that has this port for its pages."""
    match = _RESIDENT.search(page(port, "/metrics")[1])
    return float(match[1]) / 2**20 if match else math.nan


def _poll(poll_once: Callable[[int], Invocation | None], stopping: threading.Event) -> None:
    while not stopping.is_set():
        poll_once(_POLL_SECONDS)


@contextmanager
def _watcher(place: Site, system: System) -> Iterator[int]:
    """The port of its pages, once it has sent its first heartbeat."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "csr_watcher", "--listen", f"127.0.0.1:{port}", "--log-level", "ERROR"],
        cwd=_ROOT,
        env=leading_to(system.aws, system.csr_queue, place.kubeconfig("watcher")),
    )
    try:
        wait_until(lambda: system.aws.messages(system.csr_queue), _START_SECONDS)
        yield port
    finally:
        process.kill()
        process.wait()
