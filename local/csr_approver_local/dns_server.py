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
    def down(self) -> bool:
        """Whether nothing at all is answered, while the port stays open."""
        return self._answers.down

    @down.setter
    def down(self, down: bool) -> None:
        self._answers.down = down

    async def _serve(self, udp: socket.socket, tcp: socket.socket) -> None:
        datagrams, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self._answers), sock=udp)
        streams = await asyncio.start_server(self._serve_stream, sock=tcp)
        await self._stop.wait()
        datagrams.close()
        streams.close()

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Messages with their length before them, until the client goes (RFC 1035 section 4.2.2)."""
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                reply = self._answers.reply(await reader.readexactly(length), "tcp")
                if reply is not None:
                    await asyncio.sleep(reply.delay_seconds)
                    writer.write(len(reply.wire).to_bytes(2) + reply.wire)
                    await writer.drain()
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answers: DnsAnswers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answers.reply(data, "udp")
        if reply is not None:
            asyncio.get_running_loop().call_later(reply.delay_seconds, self._transport.sendto, reply.wire, addr)


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
