"""The watcher as a process of its own."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from csr_approver_local.aws import LocalAws
from tests.watcher.harness import CLUSTER, Scene


def free_port() -> int:
    """One that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(scene: Scene, **changes: str) -> dict[str, str]:
    """What leads the program to the scene, and nothing of this machine's configuration."""
    return leading_to(scene.aws, scene.queue_url, scene.kubeconfig("watcher")) | changes


def leading_to(aws: LocalAws, queue_url: str, kubeconfig: str) -> dict[str, str]:
    """Likewise, to a queue and an API server."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CSR_", "KUBE"))}
    settings = {
        "CSR_WATCHER_CLUSTER": CLUSTER,
        "CSR_WATCHER_QUEUE_URL": queue_url,
        "CSR_WATCHER_KUBECONFIG": kubeconfig,
    }
    return kept | aws.environment() | settings


@contextmanager
def running(scene: Scene, *flags: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """A watcher that is killed in the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "csr_watcher", *flags],
        env=environment(scene, **changes),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def page(port: int, path: str) -> tuple[int, str]:
    """Status and text; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
