"""The watcher's two replicas: in this process, or in processes of their own, which can be killed."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol
from unittest.mock import patch

from kubernetes import client

from csr_watcher import server_clock
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ROOT = Path(__file__).parents[2]
_ORDINALS = (0, 1)


class Replicas(Protocol):
    """What they know is lost when they end."""

    def start(self) -> None:
        """Both."""

    def stop(self) -> None:
        """Both."""


class Threads:
    """Stopped as by SIGTERM: what is due is sent. `ahead_seconds`: of their clock, from the next start on."""

    def __init__(self, settings: Settings, connections: Sequence[client.ApiClient], sqs: "SQSClient") -> None:
        self._settings, self._connections, self._sqs = settings, connections, sqs
        self._watchers: list[Watcher] = []
        self.ahead_seconds = 0.0

    def start(self) -> None:
        """Both."""
        wrong = SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + self.ahead_seconds)
        for ordinal, connection in zip(_ORDINALS, self._connections, strict=True):
            settings = replace(self._settings, ordinal=ordinal, listen=Listen("127.0.0.1", 0))
            # It looks at its own clock once, when it is made.
            with patch.object(server_clock, "time", wrong):
                watcher = Watcher(settings, connection, self._sqs, f"csr-watcher-{ordinal}")
            watcher.start()
            self._watchers.append(watcher)

    def stop(self) -> None:
        """Both."""
        for watcher in self._watchers:
            watcher.stop()
        self._watchers.clear()


class Processes:
    """Stopped by SIGKILL, whatever they are at."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Both."""
        command = [sys.executable, "-m", "tests.chaos.hurried_watcher", "--listen", "127.0.0.1:0", "--ordinal"]
        with self._log.open("ab") as log:
            for ordinal in _ORDINALS:
                process = subprocess.Popen([*command, str(ordinal)], cwd=_ROOT, env=dict(self._environment), stderr=log)
                self._processes.append(process)

    def stop(self) -> None:
        """Both."""
        ended = [process for process in self._processes if process.poll() is not None]
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()
        assert not ended, f"a watcher ended by itself:\n{self._log.read_text()}"
