"""An API server that says whatever a test lets it say, byte for byte."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from kubernetes import client

from csr_approver.clients.api_server import api_client


class Say(NamedTuple):
    """An answer; what `body` yields goes out at once, and the answer ends with it."""

    body: Iterator[bytes]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Script: TypeAlias = Callable[[dict[str, str]], Say]


class ScriptedServer:
    """HTTP on loopback; `on_list` and `on_watch` get the query. `asked` has every query and when it came."""

    def __init__(self, on_list: Script, on_watch: Script) -> None:
        self.on_list, self.on_watch = on_list, on_watch
        self.asked: list[tuple[float, dict[str, str]]] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def lists(self) -> list[dict[str, str]]:
        return [query for _, query in self.asked if "watch" not in query]

    @property
    def watches(self) -> list[dict[str, str]]:
        return [query for _, query in self.asked if "watch" in query]

    def connection(self) -> client.ApiClient:
        return api_client(client.Configuration(host=f"http://127.0.0.1:{self._server.server_address[1]}"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: ScriptedServer) -> None:
        self.script = script
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        script = self.server.script
        script.asked.append((time.monotonic(), query))
        answer = script.on_watch(query) if "watch" in query else script.on_list(query)
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in answer.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # the client has hung up

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """`asked` has it."""


def listing(*items: dict[str, Any], version: str = "1", more: str = "") -> Say:
    """A page of a list."""
    metadata = {"resourceVersion": version} | ({"continue": more} if more else {})
    return Say(iter([json.dumps({"kind": "List", "metadata": metadata, "items": items}).encode()]))


def event(kind: str, obj: Any) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def bookmark(version: str) -> bytes:
    """The line that only tells a version."""
    return event("BOOKMARK", {"metadata": {"resourceVersion": version}})


def refusal(status: int, **headers: str) -> Say:
    """A metav1.Status."""
    body = {"kind": "Status", "code": status, "message": "as the test wishes"}
    return Say(iter([json.dumps(body).encode()]), status, tuple((k.replace("_", "-"), v) for k, v in headers.items()))


def then_open(*lines: bytes, seconds: float = 30.0) -> Say:
    """These lines, then nothing, with the connection open."""

    def body() -> Iterator[bytes]:
        yield from lines
        time.sleep(seconds)

    return Say(body())


def ends(*lines: bytes) -> Say:
    """These lines, and then the end."""
    return Say(iter(lines))
