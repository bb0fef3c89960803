"""A container runtime that runs nothing: as much of the CRI as a kubelet insists on before it does anything else.

CRI is gRPC: calls over HTTP/2 (RFC 9113), each one message in either direction. What is called is in headers that only
HPACK can read; so the calls are told apart by their messages. `Version` alone sends the API version and wants an
answer with something in it. To every other call an empty message says that there is nothing of the kind.
"""

import socketserver
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0x0, 0x1, 0x4, 0x6
_ACK = _END_STREAM = 0x1
_END_HEADERS = 0x4
# HPACK (RFC 7541): entry 8 of the static table; entry 31 and a new name with literal values.
_STATUS_200 = b"\x88"
_CONTENT_TYPE = b"\x0f\x10\x10application/grpc"
_GRPC_STATUS_OK = b"\x00\x0bgrpc-status\x010"


def _protobuf(*texts: str) -> bytes:
    """A message whose first fields are these strings."""
    return b"".join(bytes((number << 3 | 2, len(text))) + text.encode() for number, text in enumerate(texts, start=1))


def _grpc(message: bytes) -> bytes:
    """Uncompressed, with its length."""
    return b"\0" + len(message).to_bytes(4) + message


_ANSWERS = {_grpc(_protobuf("0.1.0")): _grpc(_protobuf("0.1.0", "nothing", "1.0.0", "v1"))}


@contextmanager
def container_runtime() -> Iterator[str]:
    """Its endpoint, as a kubelet's configuration names it."""
    # The path of a socket must be short, and that of a test's folder is not.
    with TemporaryDirectory() as folder, _Server(f"{folder}/cri.sock", _Connection) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"unix://{folder}/cri.sock"
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        # A kubelet that is killed leaves off anywhere.
        with suppress(ConnectionError):
            self._serve()

    def _serve(self) -> None:
        self.rfile.read(len(_PREFACE))
        self._send(_SETTINGS, 0, 0)
        calls: defaultdict[int, bytes] = defaultdict(bytes)
        while len(head := self.rfile.read(9)) == 9:
            length, kind, flags, stream = int.from_bytes(head[:3]), head[3], head[4], int.from_bytes(head[5:])
            payload = self.rfile.read(length)
            if kind in (_SETTINGS, _PING) and not flags & _ACK:
                self._send(kind, _ACK, 0, payload if kind == _PING else b"")
            elif kind == _DATA:
                calls[stream] += payload
                if flags & _END_STREAM:
                    self._answer(stream, calls.pop(stream))

    def _answer(self, stream: int, call: bytes) -> None:
        self._send(_HEADERS, _END_HEADERS, stream, _STATUS_200 + _CONTENT_TYPE)
        self._send(_DATA, 0, stream, _ANSWERS.get(call, _grpc(b"")))
        self._send(_HEADERS, _END_HEADERS | _END_STREAM, stream, _GRPC_STATUS_OK)

    def _send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.wfile.write(len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload)
