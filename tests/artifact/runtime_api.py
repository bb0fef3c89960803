"""Lambda's Runtime API for one process of a function: it hands out events and tells what the process says of them.

Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import sys
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

_ROOT = "/2018-06-01/runtime"


class Said(Enum):
    """What a process can say."""

    READY = auto()
    """It asks for an event: it has started, or is done with the one before."""
    RESULT = auto()
    ERROR = auto()
    INIT_ERROR = auto()


@dataclass(frozen=True, slots=True)
class Saying:
    """`body`: the result or the error, as JSON. `at`: on time.monotonic's clock."""

    what: Said
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Event:
    """One invocation, as the process is told of it."""

    request_id: str
    function_arn: str
    deadline_ms: int
    """Since 1970."""
    body: bytes


class RuntimeApi:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self) -> None:
        self.sayings: SimpleQueue[Saying] = SimpleQueue()
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self))
        self.address = f"127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.05,), name="Runtime API", daemon=True).start()

    def hand_out(self, event: Event) -> None:
        """Answer the process's question for an event with this one."""
        self._events.put(event)

    def next_event(self) -> Event | None:
        """Called for the process; None: there will be no more."""
        self.sayings.put(Saying(Said.READY))
        return self._events.get()

    def close(self) -> None:
        """Let nobody wait for an event any longer."""
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that is ended leaves its connection as it is; all else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one segment, at once: otherwise the client's delayed ACK costs 40 ms an event.
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, api: RuntimeApi, *args: Any) -> None:
        self._api = api
        super().__init__(*args)

    def do_GET(self) -> None:
        event = self._api.next_event() if self.path == f"{_ROOT}/invocation/next" else None
        if event is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
        }
        self._answer(HTTPStatus.OK, event.body, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        last = self.path.removeprefix(_ROOT).rpartition("/")[2]
        if self.path == f"{_ROOT}/init/error":
            said = Said.INIT_ERROR
        else:
            said = {"response": Said.RESULT, "error": Said.ERROR}[last]
        saying = Saying(said, body)
        self._answer(HTTPStatus.ACCEPTED, b"{}", {})
        self._api.sayings.put(saying)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what matters."""

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
