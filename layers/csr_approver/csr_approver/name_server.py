"""How a DNS server is written: in the setting dns-servers, and in resolv.conf."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

_DNS_PORT = 53
_WITH_PORT = re.compile(r"(?:\[(?P<ipv6>[^]]+)\]|(?P<ipv4>[0-9.]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class NameServer:
    """A server to ask, by address: its name would have to be resolved first."""

    address: str
    port: int = _DNS_PORT

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `address`, `ipv4:port` or `[ipv6]:port`. Raises ValueError that quotes anything else."""
        given = _WITH_PORT.fullmatch(text)
        address = (given["ipv6"] or given["ipv4"]) if given else text
        port = int(given["port"]) if given else _DNS_PORT
        try:
            canonical = str(ip_address(address))
        except ValueError as error:
            raise ValueError(f"{text!r} is no DNS server: expected ADDRESS, IPV4:PORT or [IPV6]:PORT") from error
        if not 0 < port < 65536:
            raise ValueError(f"{text!r} is no DNS server: the port is not between 1 and 65535")
        return cls(canonical, port)

    def __str__(self) -> str:
        if self.port == _DNS_PORT:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
