"""From the creation of a request to its message on the queue, with the watcher as a process of its own.

On a real API server where there is one. The limit is what a bare client needs that does nothing else: the event of a
watch, and one message sent.
"""

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from csr_approver.message import Pointer
from tests.api_client import ApiClient
from tests.bench.chain import resident_mib
from tests.bench.table import Row, Table
from tests.contract.api_server.clusters import Cluster, LocalCluster, control_plane
from tests.controlplane import AssetsNotFoundError
from tests.watcher.harness import Scene, wait_until
from tests.watcher.process import free_port, running

_SINGLE = 300
_STORM = int(os.environ.get("BENCH_STORM", "5000"))
_PAUSE_SECONDS = 0.02
_LIMIT = "limit: a bare client, an event and a message"


def measure() -> Table:
    """Lag one by one and in a storm, and what the watcher's process needs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(_cluster(folder))
        scene = stack.enter_context(Scene(cluster, folder))
        kind = "local API server" if isinstance(cluster, LocalCluster) else "real API server"
        floor = _bare_lags(scene)
        with _watcher(scene) as port:
            idle = resident_mib(port)
            single = _lags(scene, [_ask(scene, scene.admin) for _ in range(_SINGLE)])
            began = time.monotonic()
            with cluster.client("admin") as admin, ThreadPoolExecutor(8) as pool:
                asked = list(pool.map(lambda _: _ask(scene, admin, pause=0), range(_STORM)))
            created = time.monotonic()
            storm = _lags(scene, asked)
            drained = max(0.0, time.monotonic() - created)
            loaded = resident_mib(port)
        scene.renew_queue()
        began_anew = time.monotonic()
        with _watcher(scene) as port:
            _lags(scene, asked)
            resent = time.monotonic() - began_anew
            restarted = resident_mib(port)
    single_p50 = _quantile(single, 50)
    return Table(
        f"the watcher's lag, from the POST of a request to its message on the queue ({kind})",
        [
            Row("single_p50_ms", "one by one, p50", single_p50, "ms", _LIMIT, limit=_quantile(floor, 50)),
            Row("single_p99_ms", "one by one, p99", _quantile(single, 99), "ms", limit=_quantile(floor, 99)),
            Row("storm_create_s", f"storm: {_STORM} POSTs", created - began, "s", "8 clients"),
            Row("storm_drain_s", "storm: last POST to last message", drained, "s"),
            Row("storm_p50_ms", "storm, p50", _quantile(storm, 50), "ms"),
            Row("storm_p99_ms", "storm, p99", _quantile(storm, 99), "ms"),
            Row("idle_mib", "memory, nothing pending", idle, "MiB", "resident, of the watcher's process"),
            Row("loaded_mib", f"memory, {_STORM + _SINGLE} pending", loaded, "MiB"),
            Row("restart_s", "restart: start to all sent again", resent, "s", f"{_STORM + _SINGLE} pending"),
            Row("restarted_mib", "memory after the restart", restarted, "MiB"),
        ],
    )


def _cluster(folder: Path) -> AbstractContextManager[Cluster]:
    try:
        return control_plane(folder)
    except AssetsNotFoundError as error:
        print(f"no real API server: {error}", file=sys.stderr)
        return LocalCluster()


@contextmanager
def _watcher(scene: Scene) -> Iterator[int]:
    """The port of its pages, when it has sent its first heartbeat."""
    port = free_port()
    with running(scene, "--listen", f"127.0.0.1:{port}", "--log-level", "ERROR"):
        wait_until(scene.messages, seconds=20)
        yield port


def _quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _ask(scene: Scene, admin: ApiClient, pause: float = _PAUSE_SECONDS) -> tuple[Pointer, float]:
    time.sleep(pause)
    posted = time.time()
    return scene.ask(client=admin), posted


def _lags(scene: Scene, asked: list[tuple[Pointer, float]]) -> list[float]:
    """Milliseconds, once all are there."""
    wanted = {pointer for pointer, _ in asked}
    wait_until(lambda: len(scene.messages()) >= len(wanted) and scene.pointers().keys() >= wanted, seconds=120)
    sent: dict[str, float] = {}
    for message in scene.messages():
        sent.setdefault(str(json.loads(message.body).get("uid")), message.sent_at)
    return [1000 * (sent[pointer.uid] - posted) for pointer, posted in asked]


def _bare_lags(scene: Scene) -> list[float]:
    """A watch of a client that sends one message for each event."""
    lags: list[float] = []
    posted: dict[str, float] = {}
    version = scene.admin.list().body["metadata"]["resourceVersion"]

    def follow() -> None:
        with scene.cluster.client("watcher") as client:
            for event in client.watch(resourceVersion=version, timeoutSeconds="25"):
                scene.sqs.send_message(QueueUrl=scene.queue_url, MessageBody='{"kind": "bare"}')
                lags.append(time.time() - posted[event["object"]["spec"]["username"]])
                if len(lags) == _SINGLE:
                    return

    follower = threading.Thread(target=follow)
    follower.start()
    time.sleep(1)
    for number in range(_SINGLE):
        time.sleep(_PAUSE_SECONDS)
        posted[f"system:node:bare-{number}"] = time.time()
        scene.ask(f"bare-{number}")
    follower.join()
    for item in scene.admin.list().body["items"]:
        scene.admin.delete(item["metadata"]["name"])
    scene.renew_queue()
    return [1000 * lag for lag in lags]
