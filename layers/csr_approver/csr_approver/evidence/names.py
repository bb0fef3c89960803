"""Names resolved by DNS servers: all at once, and each handed over as soon as its answers are in."""

import asyncio
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import cast

import dns.asyncbackend
import dns.asyncquery
import dns.flags
import dns.message
import dns.name
from dns.inet import af_for_address
from dns.message import Message, QueryMessage
from dns.rcode import Rcode

from csr_approver.evidence.address_records import AAAA, A, Address, AddressType
from csr_approver.evidence.name_servers import system_servers
from csr_approver.name_server import NameServer
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Observation, Unavailable
from csr_approver.policy.resolution import Resolution

# A datagram may get lost, the question or the answer.
_ROUNDS = 2
# Lambda allows 1,024 file descriptors. An exchange holds one.
_MAX_EXCHANGES = 256
_MAX_OCTETS = 65535

_BACKEND = dns.asyncbackend.get_backend("asyncio")


class DnsNames:
    """A stub resolver without cache or search list, safe to share between threads."""

    def __init__(self, servers: Sequence[str] = (), timeout_seconds: float = 2.0) -> None:
        """`servers`: each `address`, `ipv4:port` or `[ipv6]:port`, else ValueError; if none, those of resolv.conf."""
        self._servers = [NameServer.parse(server) for server in servers]
        self._timeout_seconds = timeout_seconds

    def resolve(self, names: Collection[DnsName]) -> Iterator[tuple[DnsName, Resolution]]:
        """Each distinct name with its A and AAAA answers, in the order in which they come in.

        Takes `timeout_seconds` in all; what is unanswered then is Unavailable. The time that the caller spends
        between two names does not count.
        """
        try:
            servers = self._servers or system_servers()
        except ValueError as error:
            unavailable = Unavailable(str(error))
            yield from ((name, Resolution(unavailable, unavailable)) for name in dict.fromkeys(names))
            return
        late = Unavailable(f"no answer within {self._timeout_seconds:g} s")
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            clock = runner.get_loop().time
            deadline = clock() + self._timeout_seconds
            stub = _Stub(servers, self._timeout_seconds)
            open_lookups = runner.run(stub.start(dict.fromkeys(names)))
            while open_lookups:
                try:
                    name = runner.run(stub.next_name(deadline))
                except TimeoutError:
                    break
                handed_over = clock()
                yield name, open_lookups.pop(name).resolution(late)
                deadline += clock() - handed_over
            rest = [(name, lookup.resolution(late)) for name, lookup in open_lookups.items()]
        yield from rest


@dataclass(frozen=True, slots=True)
class _Lookup:
    """The two questions about one name."""

    ipv4: asyncio.Task[Observation[frozenset[IPv4Address]]]
    ipv6: asyncio.Task[Observation[frozenset[IPv6Address]]]

    def resolution(self, late: Unavailable) -> Resolution:
        return Resolution(
            ipv4=self.ipv4.result() if self.ipv4.done() else late,
            ipv6=self.ipv6.result() if self.ipv6.done() else late,
        )


class _Stub:
    """The questions of one call, all in one event loop."""

    def __init__(self, servers: Sequence[NameServer], timeout_seconds: float) -> None:
        self._servers = servers
        # All servers get all their chances before the time is over.
        self._patience_seconds = timeout_seconds / (len(servers) * _ROUNDS)
        self._slots = asyncio.Semaphore(_MAX_EXCHANGES)
        self._complete: asyncio.Queue[DnsName] = asyncio.Queue()

    async def start(self, names: Collection[DnsName]) -> dict[DnsName, _Lookup]:
        return {name: self._start(name) for name in names}

    async def next_name(self, deadline: float) -> DnsName:
        """The next name that has both answers. Raises TimeoutError at `deadline`, by the loop's clock."""
        async with asyncio.timeout_at(deadline):
            return await self._complete.get()

    def _start(self, name: DnsName) -> _Lookup:
        lookup = _Lookup(asyncio.create_task(self._ask(name, A)), asyncio.create_task(self._ask(name, AAAA)))
        # Announced once, when the later of the two is done: a finished task calls a new callback right away.
        lookup.ipv4.add_done_callback(
            lambda _: lookup.ipv6.add_done_callback(lambda _: self._complete.put_nowait(name))
        )
        return lookup

    async def _ask(self, name: DnsName, address_type: AddressType[Address]) -> Observation[frozenset[Address]]:
        """The first answer that any server gives; Unavailable when each of them has failed.

        The next server is asked when the one before has failed or kept us waiting, but whoever has been asked may
        still answer: a resolver that looks a name up for the first time is slow, and not silent.
        """
        # EDNS is left out: addresses fit into 512 octets, or else TCP carries them, and nothing is ever fragmented.
        query = dns.message.make_query(dns.name.from_text(name), address_type.rdtype)
        turns = [*self._servers] * _ROUNDS
        exchanges: dict[asyncio.Task[Observation[frozenset[Address]]], NameServer] = {}
        failures: dict[NameServer, str] = {}
        try:
            while turns or exchanges:
                if turns:
                    server = turns.pop(0)
                    exchanges[asyncio.create_task(self._exchange(query, server, address_type))] = server
                done, _ = await asyncio.wait(
                    exchanges, timeout=self._patience_seconds, return_when=asyncio.FIRST_COMPLETED
                )
                for exchange in done:
                    observation = exchange.result()
                    if not isinstance(observation, Unavailable):
                        return observation
                    server = exchanges.pop(exchange)
                    failures[server] = observation.detail
                    turns = [turn for turn in turns if turn != server]
        finally:
            for exchange in exchanges:
                exchange.cancel()
        return Unavailable(", ".join(f"{detail} ({server})" for server, detail in failures.items()))

    async def _exchange(
        self, query: Message, server: NameServer, address_type: AddressType[Address]
    ) -> Observation[frozenset[Address]]:
        """One question to one server, from a port of its own, over TCP again if the answer is truncated."""
        try:
            async with self._slots:
                response = await _over_udp(query, server)
                if response.flags & dns.flags.TC:
                    response = await dns.asyncquery.tcp(query, server.address, port=server.port, backend=_BACKEND)
            return _read(cast(QueryMessage, response), address_type)
        except OSError as error:
            return Unavailable(error.strerror or str(error))
        except Exception as error:  # whatever else it is, it is no answer
            return Unavailable(str(error) or type(error).__name__)


async def _over_udp(query: Message, server: NameServer) -> Message:
    """The first datagram that answers the query. Raises OSError."""
    loop = asyncio.get_running_loop()
    with socket.socket(af_for_address(server.address), socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        # Connected, the socket takes nothing from elsewhere, and a closed port is an error at once.
        datagrams.connect((server.address, server.port))
        await loop.sock_sendall(datagrams, query.to_wire())
        # Whatever is no answer to the query may be forged, and must not end the wait for the true one.
        while (response := _response(await loop.sock_recv(datagrams, _MAX_OCTETS), query)) is None:
            # What has arrived is received without waiting: a flood of it would let nobody else have a turn.
            await asyncio.sleep(0)
        return response


def _response(wire: bytes, query: Message) -> Message | None:
    """None for what is no answer to this query. What is truncated may lack anything after its question."""
    try:
        response = dns.message.from_wire(wire, raise_on_truncation=True)
    except dns.message.Truncated as error:
        response = error.message()  # type: ignore[no-untyped-call] # has no types
    except Exception:  # dnspython has many for what cannot be decoded
        return None
    return response if query.is_response(response) else None


def _read(response: QueryMessage, address_type: AddressType[Address]) -> Observation[frozenset[Address]]:
    if response.flags & dns.flags.TC:
        return Unavailable("truncated answer over TCP")
    rcode = response.rcode()
    if rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return address_type.read(rcode, None)
    if len(response.question) != 1:
        return Unavailable(f"an answer to {len(response.question)} questions")
    records, aliases = None, []
    if response.answer:  # else the chain would go on to look for the SOA record, of which nothing is needed here
        chain = response.resolve_chaining()
        records, aliases = chain.answer, chain.cnames
    recursive, authoritative = response.flags & dns.flags.RA, response.flags & dns.flags.AA and not aliases
    if rcode == Rcode.NOERROR and records is None and not (recursive or authoritative):
        # The server points elsewhere: what it does not hold may exist there.
        return Unavailable("referral")
    return address_type.read(rcode, records)
