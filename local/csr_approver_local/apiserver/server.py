"""HTTPS on 127.0.0.1 in threads of this process: connections, keep-alive, JSON bodies and event streams."""

import contextlib
import json
import socket
import socketserver
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from csr_approver_local.pki import loopback_server_identity


class Request(NamedTuple):
    """One HTTP request. `target` is the path with its query, as it was sent.

    `impersonates` is the user in Impersonate-User, empty where only another header of impersonation was sent.
    """

    method: str
    target: str
    authorization: str
    impersonates: str | None
    body: bytes


class Answer(NamedTuple):
    """A status with a JSON object, or with objects that are streamed one a line until they end."""

    code: int
    content: Mapping[str, Any] | Iterator[Mapping[str, Any]]


class HttpsServer:
    """Serves `respond` on a free port. Start and stop it once."""

    def __init__(self, respond: Callable[[Request], Answer]) -> None:
        self._server = _Server(respond)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="local-api-server", daemon=True
        )
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting and cut what is open."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.disconnect()

    def disconnect(self) -> None:
        """Cut every open connection, as a server that is killed does."""
        self._server.disconnect()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Callable[[Request], Answer]) -> None:
        self.respond = respond
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind looks up the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        # The handshake is the handler thread's: a slow client must not keep others from being accepted.
        secured = _tls_context().wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._connections_lock:
            self._connections.add(secured)
        return secured, address

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients hang up, and distrust certificates; anything else is a mistake of ours and gets its traceback.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def disconnect(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        impersonates = self.headers.get("Impersonate-User")
        if impersonates is None and any(name.lower().startswith("impersonate-") for name in self.headers):
            impersonates = ""
        request = Request(self.command, self.path, self.headers.get("Authorization", ""), impersonates, body)
        answer = self.server.respond(request)
        self.send_response(answer.code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-cache, private")
        if isinstance(answer.content, Mapping):
            self._send_object(answer.content)
        else:
            self._send_stream(answer.content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _send_object(self, content: Mapping[str, Any]) -> None:
        data = json.dumps(content).encode() + b"\n"
        if retry_after := content.get("details", {}).get("retryAfterSeconds"):
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_stream(self, content: Iterator[Mapping[str, Any]]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for item in content:
            line = json.dumps(item).encode() + b"\n"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """What was asked is in KubernetesApi.requests; standard error is the tests'."""


@cache
def _tls_context() -> ssl.SSLContext:
    identity = loopback_server_identity()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # ssl reads a key from a file only.
    with tempfile.NamedTemporaryFile() as file:
        file.write(identity.private_key + identity.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context
