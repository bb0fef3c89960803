"""Five thousand nodes boot at once, while the API server is killed and SQS fails half of its calls.

On the local API server, whose requests are made by the same process, it is fifteen hundred.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from urllib3.exceptions import HTTPError

from tests.api_client import ApiClient
from tests.contract.api_server.clusters import LocalCluster
from tests.watcher.harness import Scene, metric, wait_until

REQUESTS, LOCAL_REQUESTS = 5_000, 1_500
RESTARTS, SECONDS_BETWEEN_RESTARTS = 3, 1
SEED = 20261125


def test_every_pending_request_reaches_the_queue(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.aws.fail_share("SendMessageBatch", "ServiceUnavailable", 0.5, SEED)
    scene.aws.fail_share("SendMessageBatchRequestEntry", "InternalError", 0.1, SEED)
    requests = LOCAL_REQUESTS if isinstance(scene.cluster, LocalCluster) else REQUESTS
    watcher = scene.watch()
    began = time.monotonic()
    ask_while_disturbed(scene, requests)
    created = time.monotonic()
    # More than were asked for, where an answer was lost.
    asked = scene.stored()
    wait_until(lambda: scene.pointers().keys() >= asked, seconds=60)
    sent = time.monotonic()

    pointers = scene.pointers()
    with capsys.disabled():
        print(
            f"\n{len(asked)} requests created in {created - began:.1f} s through {RESTARTS} restarts of the API server,"
            f" all on the queue {sent - created:.1f} s later:"
            f" {pointers.total() - len(asked)} sent twice, {metric(watcher, 'send_failures_total'):.0f} failed sends"
        )
    assert pointers.keys() == asked
    assert metric(watcher, "send_failures_total") > requests / 3
    assert metric(watcher, "superseded_total") == 0


def ask_while_disturbed(scene: Scene, requests: int) -> None:
    """Each node asks until it is answered, as a kubelet does; the API server is killed again and again."""
    with scene.cluster.client("admin") as admin, ThreadPoolExecutor(8) as pool:
        done = threading.Event()
        disturber = threading.Thread(target=disturb, args=(scene, done))
        disturber.start()
        try:
            list(pool.map(lambda number: ask_until_answered(scene, f"storm-{number}", admin), range(requests)))
        finally:
            done.set()
            disturber.join()


def ask_until_answered(scene: Scene, node: str, admin: ApiClient) -> None:
    while True:
        try:
            scene.ask(node, admin)
        except (HTTPError, AssertionError):
            time.sleep(0.2)
        else:
            return


def disturb(scene: Scene, done: threading.Event) -> None:
    for _ in range(RESTARTS):
        if done.wait(SECONDS_BETWEEN_RESTARTS):
            return
        scene.cluster.restart(down_seconds=1)
