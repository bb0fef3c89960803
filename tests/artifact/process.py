"""One process of a function, under the runtime client that Lambda runs."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

from csr_approver_local.lambda_runtime import reserved_variables
from tests.artifact.runtime_api import Event, RuntimeApi, Said, Saying

HANDLER = "app.lambda_handler"
_PYTHON_VERSION = "3.13"
# Lambda gives a cold start so long before the invocation's own time begins.
_INIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Python of Lambda's version, and the folder that holds awslambdaric and what it needs."""

    python: Path
    client: Path


@dataclass(frozen=True, slots=True)
class Code:
    """What a process of a function runs: `handler`, looked for in `folder`, then in the folders of `more`."""

    folder: Path
    more: Sequence[Path] = ()
    handler: str = HANDLER


class Process:
    """Started when it is made, and ended by `close`."""

    def __init__(self, runtime: Runtime, code: Code, environment: Mapping[str, str]) -> None:
        self._api = RuntimeApi()
        self._seen = 0
        # A file, unlike a pipe, has everything that was printed before the answer came, and never fills up.
        with tempfile.NamedTemporaryFile(prefix="function-", suffix=".log", delete=False) as output:
            self._log = Path(output.name)
            variables = {
                **environment,
                **reserved_variables(code.folder, _PYTHON_VERSION),
                "_HANDLER": code.handler,
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                # Lambda's order: the function, its layers, the runtime. The project's own packages are on no path.
                "PYTHONPATH": os.pathsep.join(map(str, [code.folder, *code.more, runtime.client])),
                "TZ": ":UTC",
            }
            self._process = subprocess.Popen(
                # No site-packages, and no bytecode written: in Lambda, code is read-only.
                [runtime.python, "-S", "-B", "-m", "awslambdaric", code.handler],
                cwd=code.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.id = self._process.pid

    def invoke(self, request_id: str, body: bytes, arn: str, timeout_seconds: float) -> Saying:
        """What came of the event.

        Raises TimeoutError with the seconds that were too few, and ProcessLookupError with the status that it left.
        """
        ready = self._await(_INIT_SECONDS)
        if ready.what is not Said.READY:
            return ready
        deadline_ms = int((time.time() + timeout_seconds) * 1000)
        self._api.hand_out(Event(request_id, arn, deadline_ms, body))
        return self._await(timeout_seconds)

    def printed(self) -> list[str]:
        """The lines since the last call; awslambdaric joins those of a traceback with carriage returns."""
        with self._log.open("rb") as log:
            log.seek(self._seen)
            text = log.read()
        self._seen += len(text)
        return text.decode(errors="replace").rstrip("\n").split("\n") if text else []

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._api.close()
        self._log.unlink(missing_ok=True)

    def _await(self, seconds: float) -> Saying:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._api.sayings.get(timeout=0.05)
            except Empty:
                if self._process.poll() is not None and self._api.sayings.empty():
                    raise ProcessLookupError(f"exit status {self._process.returncode}") from None
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{seconds:.2f}") from None
