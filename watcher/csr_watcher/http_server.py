"""/healthz, /readyz and /metrics. Nothing secret is said, so nobody is asked who he is."""

import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from prometheus_client.exposition import choose_encoder

from csr_watcher.health import Health
from csr_watcher.ledger import Ledger
from csr_watcher.metrics import Metrics
from csr_watcher.settings import Listen

# A probe or a scrape is over in milliseconds.
_MOST_CONNECTIONS = 64


class HttpServer(ThreadingHTTPServer):
    """Serves from `serve_forever` on, in threads of its own. Raises OSError if the address cannot be had."""

    daemon_threads = True
    # Of connections that the kernel has taken and we have not; the default is 5.
    request_queue_size = 128

    def __init__(self, listen: Listen, health: Health, ledger: Ledger, metrics: Metrics) -> None:
        self.health, self._ledger, self._metrics = health, ledger, metrics
        self._open: dict[socket.socket, None] = {}
        self._lock = Lock()
        # "::" takes IPv4 too, but not where IPv6 is switched off.
        host = listen.host or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")  # noqa: S104 - probes come from the node
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, listen.port), _Handler)

    def server_bind(self) -> None:
        """As the base does, but for both families."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own. Where there are too many, the oldest ends: who dawdles must not keep out a probe."""
        with self._lock:
            self._open[request] = None
            if len(self._open) > _MOST_CONNECTIONS:
                oldest = next(iter(self._open))
                del self._open[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """It is answered."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: object) -> None:
        """A client that hung up is no news, and its traceback no line of JSON."""

    def metrics_page(self, accept: str) -> tuple[bytes, str]:
        """In the format that the scraper likes best."""
        gauges = self._ledger.gauges()
        self._metrics.pending.set(gauges.pending)
        self._metrics.oldest_pending.set(gauges.oldest_pending_seconds)
        self._metrics.not_issued.set(gauges.not_issued)
        self._metrics.failed_by_signer.set(gauges.failed_by_signer)
        encode, content_type = choose_encoder(accept)
        return encode(self._metrics.registry), content_type


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer
    timeout = 5  # seconds for a client that says nothing
    server_version, sys_version = "csr-watcher", ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/healthz":
                self._answer_trouble(self.server.health.trouble)
            case "/readyz":
                health = self.server.health
                self._answer_trouble(health.trouble or health.blindness or health.muteness)
            case "/metrics":
                self._answer(200, *self.server.metrics_page(self.headers.get("Accept", "")))
            case _:
                self._answer(404, b"there are /healthz, /readyz and /metrics\n")

    def log_message(self, *_: Any) -> None:
        """Probes and scrapes are no news."""

    def _answer_trouble(self, trouble: str) -> None:
        self._answer(503 if trouble else 200, f"{trouble or 'ok'}\n".encode())

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
