"""Names answered from master files the way an authoritative server would answer them, for work offline."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import dns.name
from dns.message import MAX_CHAIN
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import CNAME, DNAME, RdataType
from dns.rrset import RRset, from_rdata_list

from csr_approver.evidence.address_records import AAAA, A, Address, AddressType
from csr_approver.evidence.master_file import Records, read_master_files
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Observation, Unavailable
from csr_approver.policy.resolution import Resolution


@dataclass(frozen=True, slots=True)
class ZoneAnswer:
    """What a server would put into its answer section: the CNAMEs followed, then the records asked for, if any.

    `problem` says why the rcode is SERVFAIL, and is empty with any other.
    """

    rcode: Rcode
    chain: Sequence[RRset]
    records: RRset | None = None
    problem: str = ""


class ZoneNames:
    """All that the files hold, as one tree under the root: what is not in it does not exist."""

    def __init__(self, records: Records) -> None:
        self._records = records
        # A name exists when there is one below it, without any record too (RFC 4592 section 2.2.2).
        self._existing = {dns.name.root} | {above for name in records for above in _lineage(name)}

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Self:
        """Read and merge the files; ValueError, one line, as `read_master_files` says."""
        return cls(read_master_files(paths))

    def resolve(self, names: Collection[DnsName]) -> Iterator[tuple[DnsName, Resolution]]:
        """Each distinct name with its A and AAAA answers."""
        for name in dict.fromkeys(names):
            yield name, Resolution(ipv4=self._observe(name, A), ipv6=self._observe(name, AAAA))

    def lookup(self, name: Name, rdtype: RdataType) -> ZoneAnswer:
        """The answer to one question (RFC 1034 section 4.3.2 with the wildcards of RFC 4592 section 3.3).

        NS records are data like any other, so what is below a delegation is answered too. SERVFAIL stands for
        a DNAME on the way, and for a CNAME chain longer than stub resolvers follow, which every loop is.
        """
        chain: list[RRset] = []
        while len(chain) < MAX_CHAIN:
            for above in _lineage(name)[1:]:
                if DNAME in self._records.get(above, {}):
                    problem = f"the DNAME of {above.to_text(omit_final_dot=True)} is not followed"
                    return ZoneAnswer(Rcode.SERVFAIL, chain, problem=problem)
            node = self._node(name)
            if node is None:
                return ZoneAnswer(Rcode.NXDOMAIN, chain)
            if rdtype in node or CNAME not in node:
                return ZoneAnswer(Rcode.NOERROR, chain, node.get(rdtype))
            chain.append(node[CNAME])
            name = node[CNAME][0].target
        return ZoneAnswer(Rcode.SERVFAIL, chain, problem=f"CNAME loop, or a chain of {MAX_CHAIN} or more")

    def _observe(self, name: DnsName, address_type: AddressType[Address]) -> Observation[frozenset[Address]]:
        answer = self.lookup(dns.name.from_text(name), address_type.rdtype)
        if answer.problem:
            return Unavailable(answer.problem)
        return address_type.read(answer.rcode, answer.records)

    def _node(self, name: Name) -> Mapping[RdataType, RRset] | None:
        """What the name holds, or the wildcard at its closest encloser for it; None if it does not exist."""
        encloser = next(above for above in _lineage(name) if above in self._existing)
        if encloser == name:
            return self._records.get(name, {})
        wildcard = Name((b"*", *encloser.labels))
        if wildcard not in self._existing:
            return None
        return {
            rdtype: from_rdata_list(name, rrset.ttl, list(rrset))
            for rdtype, rrset in self._records.get(wildcard, {}).items()
        }


def _lineage(name: Name) -> Sequence[Name]:
    """The absolute name itself, then each name above it, the root's last."""
    return [Name(name.labels[depth:]) for depth in range(len(name.labels))]
