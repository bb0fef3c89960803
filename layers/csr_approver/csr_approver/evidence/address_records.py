"""What a DNS answer says of one type of address record: the one place where an rcode becomes an observation."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Generic, TypeVar

from dns.rcode import Rcode
from dns.rdatatype import RdataType
from dns.rrset import RRset

from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable

Address = TypeVar("Address", IPv4Address, IPv6Address)


@dataclass(frozen=True, slots=True)
class AddressType(Generic[Address]):
    """A record type, and the address that it holds."""

    rdtype: RdataType
    address: type[Address]

    def read(self, rcode: Rcode, records: RRset | None) -> Observation[frozenset[Address]]:
        """What a complete answer says: `records` are those at the end of the CNAME chain, if there are any.

        NXDOMAIN is about that end too (RFC 6604 section 3). Any other rcode is no answer at all.
        """
        if rcode == Rcode.NXDOMAIN:
            return Absent("NXDOMAIN")
        if rcode != Rcode.NOERROR:
            return Unavailable(Rcode.to_text(rcode))
        if records is None:
            return Absent(f"no {self.rdtype.name} record")
        return Seen(frozenset(self.address(record.to_text()) for record in records))


A = AddressType(RdataType.A, IPv4Address)
AAAA = AddressType(RdataType.AAAA, IPv6Address)
