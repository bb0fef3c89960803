"""Which DNS servers to ask: those given, or the system's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

import dns.resolver
from dns.exception import DNSException

_DNS_PORT = 53
RESOLV_CONF = "/etc/resolv.conf"
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


def system_servers() -> Sequence[NameServer]:
    """The servers of resolv.conf, in its order; ValueError, one line, if there are none or it cannot be read."""
    try:
        # Read at each call: on a laptop they change with the network.
        return [NameServer.parse(str(server)) for server in dns.resolver.Resolver(RESOLV_CONF).nameservers]
    except (DNSException, ValueError) as error:
        raise ValueError(f"no DNS server is configured: {error}") from error
