"""The program itself: its mistakes, its pages, its end."""

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from csr_approver_local.kubernetes_api import CSRS_PATH
from csr_watcher import __version__
from tests.contract.api_server.clusters import LocalCluster
from tests.watcher.harness import CLUSTER, Scene, wait_until
from tests.watcher.process import environment, free_port, page, running

BLOCKED = "import sys; sys.modules.update(dict.fromkeys({names!r})); import csr_watcher.__main__"


def ended(scene: Scene, flags: Sequence[str] = (), **changes: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a run that ends by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "csr_watcher", *flags],
        env=environment(scene, **changes),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


def test_runs_on_what_is_in_its_image() -> None:
    """Neither cryptography nor dnspython is."""
    program = BLOCKED.format(names=["cryptography", "dns", "csr_approver_local", "moto"])
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_forwards_answers_and_ends_in_time(local_scene: Scene) -> None:
    port = free_port()
    with running(local_scene, "--listen", f"127.0.0.1:{port}") as process:
        pointer = local_scene.ask()
        local_scene.await_pointers([pointer], seconds=20)
        wait_until(lambda: page(port, "/readyz")[0] == 200)
        assert page(port, "/healthz") == (200, "ok\n")
        status, text = page(port, "/metrics")
        assert status == 200
        assert "csr_watcher_sent_total 1.0" in text
        assert "csr_watcher_pending 1.0" in text
        assert f'csr_watcher_build_info{{version="{__version__}"}} 1.0' in text
        assert page(port, "/")[0] == 404

        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
        assert (process.returncode, time.monotonic() - began < 5) == (0, True)
        lines = [json.loads(line) for line in errors.splitlines()]
        assert [line["message"] for line in lines] == ["watching", "stopped"]
        assert {(line["service"], line["cluster"], line["level"]) for line in lines} == {
            ("csr-watcher", CLUSTER, "INFO")
        }


def test_is_not_ready_before_the_first_list(local_scene: Scene) -> None:
    port = free_port()
    with running(local_scene, "--listen", f"127.0.0.1:{port}", CSR_WATCHER_KUBECONFIG=local_scene.kubeconfig("nobody")):
        wait_until(lambda: page(port, "/healthz")[0] == 200, seconds=20)
        assert page(port, "/readyz") == (503, "no complete list of requests yet\n")


@pytest.mark.parametrize("disturbance", ["SQS does not answer", "SQS refuses", "the API server does not answer"])
def test_ends_in_time_whatever_hangs(local_scene: Scene, disturbance: str) -> None:
    port = free_port()
    match disturbance:
        case "SQS does not answer":
            local_scene.aws.delay_next("SendMessageBatch", 20, times=20)
        case "SQS refuses":
            local_scene.aws.fail_next("SendMessageBatch", "ServiceUnavailable", times=1_000)
        case _:
            assert isinstance(local_scene.cluster, LocalCluster)
            local_scene.cluster.delay("GET", CSRS_PATH, 8)
    local_scene.ask()
    with running(local_scene, "--listen", f"127.0.0.1:{port}") as process:
        wait_until(lambda: page(port, "/healthz")[0] == 200, seconds=20)
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 0
        assert time.monotonic() - began < 5


def test_credentials_may_come_up_after_it(local_scene: Scene) -> None:
    """On the first node, the agent of EKS Pod Identity and the watcher start together."""
    port = free_port()
    with running(
        local_scene,
        "--listen",
        ":0",
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
        AWS_SESSION_TOKEN="",
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"http://127.0.0.1:{port}/v1/credentials",
    ) as process:
        assert process.stderr is not None
        assert "the source of AWS credentials fails" in process.stderr.readline()
        with credentials_agent(port):
            wait_until(local_scene.messages, seconds=20)


def test_who_dawdles_keeps_nobody_out_and_who_hangs_up_is_no_news(local_scene: Scene) -> None:
    port = free_port()
    with running(local_scene, "--listen", f"127.0.0.1:{port}") as process, ExitStack() as stack:
        wait_until(lambda: page(port, "/healthz")[0] == 200, seconds=20)
        for _ in range(300):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.send(b"GET /healthz HTTP/1.0\r\nX: ")
        assert page(port, "/healthz") == (200, "ok\n")
        wait_until(lambda: threads(process.pid) < 100)
        reset = struct.pack("ii", 1, 0)
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        client.send(b"GET")
        client.close()
        assert page(port, "/healthz") == (200, "ok\n")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
        assert all(json.loads(line) for line in errors.splitlines())


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@contextmanager
def credentials_agent(port: int) -> Iterator[None]:
    answer = {
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "secret",
        "Token": "token",
        "Expiration": "2126-11-25T08:00:00Z",
    }

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """No news."""

    with HTTPServer(("127.0.0.1", port), Agent) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def test_what_is_owed_at_the_end_is_sent(local_scene: Scene) -> None:
    """The first call fails; the signal comes before the next."""
    local_scene.aws.fail_next("SendMessageBatch", "ServiceUnavailable", times=2)
    with running(local_scene, "--listen", ":0") as process:
        wait_until(local_scene.messages, seconds=20)  # a heartbeat
        pointer = local_scene.ask()
        wait_until(lambda: any(call.operation == "SendMessageBatch" for call in local_scene.aws.calls))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert set(local_scene.pointers()) == {pointer}


MISTAKES: list[Any] = [
    pytest.param([], {"CSR_WATCHER_CLUSTER": ""}, "CSR_WATCHER_CLUSTER (--cluster) is missing", id="no cluster"),
    pytest.param(["--burst", "0"], {}, "must be a whole number from 1 to 1000", id="a value"),
    pytest.param([], {"CSR_WATCHER_BURTS": "5"}, "unknown variable CSR_WATCHER_BURTS", id="an unknown variable"),
    pytest.param(["--bursts", "5"], {}, "unrecognized arguments: --bursts", id="an unknown flag"),
    pytest.param(["--kubeconfig", "/nowhere"], {}, "kubeconfig: Invalid kube-config file", id="no such kubeconfig"),
    pytest.param([], {"CSR_WATCHER_KUBECONFIG": ""}, "not in a pod", id="neither pod nor kubeconfig"),
]


@pytest.mark.parametrize(("flags", "changes", "complaint"), MISTAKES)
def test_a_mistake_is_one_line(local_scene: Scene, flags: list[str], changes: dict[str, str], complaint: str) -> None:
    status, _, errors = ended(local_scene, flags, **changes)
    assert status == 2
    assert complaint in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_no_region_is_a_mistake(local_scene: Scene) -> None:
    status, _, errors = ended(local_scene, AWS_REGION="", AWS_DEFAULT_REGION="")
    assert (status, errors) == (2, "csr-watcher: no AWS region: the queue's URL has none; set AWS_REGION\n")


def test_an_address_that_is_taken(local_scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        status, _, errors = ended(local_scene, ["--listen", f"127.0.0.1:{port}"])
    assert (status, errors) == (1, f"csr-watcher: cannot listen on 127.0.0.1:{port}: Address already in use\n")


def test_help_and_version(local_scene: Scene) -> None:
    status, told, _ = ended(local_scene, ["--help"])
    assert (status, "CSR_WATCHER_QUEUE_URL" in told) == (0, True)
    assert ended(local_scene, ["--version"]) == (0, f"csr-watcher {__version__}\n", "")
