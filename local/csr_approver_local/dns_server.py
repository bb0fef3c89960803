"""A DNS server on the loopback that stands in for the VPC's resolver."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self, cast

from csr_approver.evidence.zone import ZoneNames
from csr_approver_local.dns_answers import Behaviour, DnsAnswers, Query

_BIND_ATTEMPTS = 10
# The kernel's default holds fewer than 300 small datagrams: of a batch of names asked for at once some would be lost.
_RECEIVE_BUFFER_OCTETS = 1 << 20


class DnsServer:
    """A context manager: inside it, one port of the IPv4 loopback answers over UDP and TCP.

    `address` is "127.0.0.1:PORT". `queries` holds every question that came in, answered or not.
    """

    def __init__(self, zone: ZoneNames, behaviours: Mapping[str, Behaviour] | None = None) -> None:
        """`behaviours`: which names not to answer as the zone says, in lower case without trailing dot."""
        self._answers = DnsAnswers(zone, behaviours or {})
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        udp, tcp = _bind()
        host, port = udp.getsockname()
        self.address = f"{host}:{port}"
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._runner.run, args=(self._serve(udp, tcp),), name=f"dns-{port}")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._runner.close()

    @property
    def queries(self) -> list[Query]:
        """In the order of their arrival; a retransmission counts again."""
        return self._answers.queries

    @property
    def behaviours(self) -> dict[str, Behaviour]:
        """As they are now; a change counts from the next question on."""
        return self._answers.behaviours

    @property
    def down(self) -> bool:
        """Whether nothing at all is answered, while the port stays open."""
        return self._answers.down

    @down.setter
    def down(self, down: bool) -> None:
        self._answers.down = down

    async def _serve(self, udp: socket.socket, tcp: socket.socket) -> None:
        streams: set[asyncio.BaseTransport] = set()
        datagrams, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self._answers), sock=udp)
        listener = await self._loop.create_server(lambda: _Stream(self._answers, streams), sock=tcp)
        await self._stop.wait()
        # A connection that asyncio is still accepting would leak when its server is closed; no other tasks exist here.
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(accepting)
        datagrams.close()
        listener.close()
        for stream in streams:
            stream.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answers: DnsAnswers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answers.reply(data, "udp")
        if reply is not None:
            asyncio.get_running_loop().call_later(reply.delay_seconds, self._send, reply.wire, addr)

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        # The server may have stopped while the reply was held back.
        if not self._transport.is_closing():
            self._transport.sendto(wire, addr)


class _Stream(asyncio.Protocol):
    """Messages with their length in two octets before them (RFC 1035 section 4.2.2)."""

    def __init__(self, answers: DnsAnswers, streams: set[asyncio.BaseTransport]) -> None:
        self._answers = answers
        self._streams = streams
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._streams.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the base class's signature
        self._streams.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= (end := 2 + int.from_bytes(self._buffer[:2])):
            message, self._buffer = self._buffer[2:end], self._buffer[end:]
            reply = self._answers.reply(message, "tcp")
            if reply is not None:
                framed = len(reply.wire).to_bytes(2) + reply.wire
                asyncio.get_running_loop().call_later(reply.delay_seconds, self._transport.write, framed)


def _bind() -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on the same port, which the kernel chooses for the first alone."""
    for _ in range(_BIND_ATTEMPTS):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            tcp = socket.create_server(udp.getsockname())
        except OSError:
            udp.close()
            continue
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_OCTETS)
        return udp, tcp
    raise OSError(f"no port of 127.0.0.1 was free for both UDP and TCP in {_BIND_ATTEMPTS} attempts")
