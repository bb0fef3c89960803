"""Reads RFC 1035 master files into one set of records, whatever zones they belong to."""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

from dns.exception import DNSException
from dns.name import Name
from dns.rdataclass import IN
from dns.rdatatype import CNAME, KEY, NSEC, NSEC3, RRSIG, RdataType
from dns.rrset import RRset
from dns.tokenizer import Tokenizer
from dns.transaction import Transaction
from dns.zonefile import Reader, RRSetsReaderManager

Records: TypeAlias = Mapping[Name, Mapping[RdataType, RRset]]

# RFC 4035 section 2.5 lets them stand beside a CNAME; no look-up here asks for them.
_DNSSEC = frozenset({KEY, NSEC, NSEC3, RRSIG})


def read_master_files(paths: Sequence[Path]) -> Records:
    """The records of all the files by absolute name and type, merged.

    Names are relative to the root until an `$ORIGIN`. `$TTL` is understood, `$INCLUDE` and BIND's `$GENERATE` are
    refused. SOA, NS and TTL may be left out. Raises ValueError, one line with file, line and fault, for a file
    that cannot be read or parsed.
    """
    records = _Collector()
    for path in paths:
        _read(path, records)
    return records.nodes


class _Collector(Transaction):
    """Where dnspython's reader puts the records: its own stores refuse the SOA of a second zone."""

    def __init__(self) -> None:
        super().__init__(RRSetsReaderManager())
        self.nodes: dict[Name, dict[RdataType, RRset]] = {}

    def add(self, *args: Any) -> None:
        name, ttl, rdata = args
        if rdata.rdtype in _DNSSEC:
            return
        node = self.nodes.setdefault(name, {})
        rrset = node.setdefault(rdata.rdtype, RRset(name, rdata.rdclass, rdata.rdtype))
        # RFC 1034 section 3.6.2. An RRset holds one CNAME only: a second one would silently replace the first.
        if CNAME in node and (len(node) > 1 or (rrset and rdata not in rrset)):
            raise ValueError(f"{name.to_text(omit_final_dot=True)} has a CNAME and another record")
        rrset.add(rdata, ttl)

    def _set_origin(self, origin: Name) -> None:
        """The store is the root's; `$ORIGIN` only completes names, and that is the reader's affair."""


def _read(path: Path, records: _Collector) -> None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start})") from error
    stream = StringIO(text)
    tokenizer = Tokenizer(stream, str(path))
    reader = Reader(
        tokenizer,
        IN,
        records,
        allow_directives={"$ORIGIN", "$TTL"},
        default_ttl=0,
    )
    try:
        reader.read()
    except (DNSException, ValueError) as error:
        # The tokenizer's own count is one too high when it has looked at the line break.
        number = text[: stream.tell()].rstrip().count("\n") + 1
        line = text.split("\n")[number - 1]
        # The reader puts that count before some of its messages.
        fault = str(error).removeprefix("{}:{}: ".format(*tokenizer.where()))
        raise ValueError(f"{path}:{number}: cannot read {line!r:.100}: {' '.join(fault.split())}") from error
