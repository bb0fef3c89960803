"""What the local DNS server answers to one message: from master files, or wrongly where it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address
from typing import Literal, NamedTuple, TypeAlias

import dns.flags
import dns.message
import dns.rrset
from dns.exception import DNSException
from dns.message import Message
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import IN
from dns.rdatatype import A, RdataType, is_metatype

from csr_approver.evidence.zone import ZoneNames

Transport: TypeAlias = Literal["udp", "tcp"]

_HEADER_OCTETS = 12
# RFC 1035 section 4.2.1; a query with EDNS names its own limit.
_UDP_OCTETS = 512


class Fault(Enum):
    """How to treat a name instead of answering from the zone."""

    SERVFAIL = auto()
    REFUSED = auto()
    SILENT = auto()
    # No record and the TC bit over UDP, the whole answer over TCP.
    TRUNCATED = auto()
    # Likewise over UDP, and no answer over TCP: a firewall that knows DNS as UDP only.
    TRUNCATED_WITHOUT_TCP = auto()


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer from the zone after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lie:
    """This address for the name, and no other record, whatever the zone says."""

    address: IPv4Address


Behaviour: TypeAlias = Fault | Slow | Lie


class Query(NamedTuple):
    """One question as it came in: the name in lower case without trailing dot, the record type's mnemonic."""

    name: str
    type: str
    transport: Transport


class Reply(NamedTuple):
    """A message in wire format, to be sent after so many seconds."""

    wire: bytes
    delay_seconds: float = 0


class DnsAnswers:
    """Answers as a recursive resolver that is the authority too: RA and AA set, the whole CNAME chain at once.

    `behaviours` is keyed by lower-case name without trailing dot and applies to every record type of the name.
    With `down` set, nothing is answered. Both may be changed at any time.
    """

    def __init__(self, zone: ZoneNames, behaviours: Mapping[str, Behaviour]) -> None:
        self._zone = zone
        self.behaviours = dict(behaviours)
        self.down = False
        self.queries: list[Query] = []

    def reply(self, wire: bytes, transport: Transport) -> Reply | None:
        """The answer to one message, however malformed. None: none is sent."""
        if len(wire) < _HEADER_OCTETS or wire[2] & 0x80:
            # To answer an answer would set two servers talking for ever.
            return None
        try:
            query = dns.message.from_wire(wire)
        except DNSException:
            broken = Message(id=int.from_bytes(wire[:2]))
            broken.flags = int(dns.flags.QR)
            broken.set_rcode(Rcode.FORMERR)
            return Reply(broken.to_wire())
        response = dns.message.make_response(query, recursion_available=True)
        if query.opcode() != Opcode.QUERY:
            response.set_rcode(Rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(Rcode.FORMERR)
        elif query.question[0].rdclass != IN:
            response.set_rcode(Rcode.REFUSED)
        elif is_metatype(query.question[0].rdtype):
            response.set_rcode(Rcode.NOTIMP)
        else:
            return self._answer(query, response, transport)
        return Reply(response.to_wire())

    def _answer(self, query: Message, response: Message, transport: Transport) -> Reply | None:
        name, rdtype = query.question[0].name, query.question[0].rdtype
        text = name.to_text(omit_final_dot=True).lower()
        self.queries.append(Query(text, RdataType.to_text(rdtype), transport))
        behaviour = Fault.SILENT if self.down else self.behaviours.get(text)
        match behaviour, transport:
            case (Fault.SILENT, _) | (Fault.TRUNCATED_WITHOUT_TCP, "tcp"):
                return None
            case Fault.SERVFAIL, _:
                response.set_rcode(Rcode.SERVFAIL)
            case Fault.REFUSED, _:
                response.set_rcode(Rcode.REFUSED)
            case Fault.TRUNCATED | Fault.TRUNCATED_WITHOUT_TCP, "udp":
                response.flags |= dns.flags.TC
            case Lie(address), _:
                response.answer = [dns.rrset.from_text(name, 60, IN, A, str(address))] if rdtype == A else []
            case _:
                answer = self._zone.lookup(name, rdtype)
                response.flags |= dns.flags.AA
                response.set_rcode(answer.rcode)
                response.answer = [*answer.chain, *([answer.records] if answer.records else [])]
        limit = 0 if transport == "tcp" else query.payload or _UDP_OCTETS
        delay = behaviour.seconds if isinstance(behaviour, Slow) else 0
        return Reply(response.to_wire(max_size=limit, prefer_truncation=True), delay)
