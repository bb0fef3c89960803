"""The system's DNS servers."""

from collections.abc import Sequence

import dns.resolver
from dns.exception import DNSException

from csr_approver.name_server import NameServer

RESOLV_CONF = "/etc/resolv.conf"


def system_servers() -> Sequence[NameServer]:
    """The servers of resolv.conf, in its order; ValueError, one line, if there are none or it cannot be read."""
    try:
        # Read at each call: on a laptop they change with the network.
        return [NameServer.parse(str(server)) for server in dns.resolver.Resolver(RESOLV_CONF).nameservers]
    except (DNSException, ValueError) as error:
        raise ValueError(f"no DNS server is configured: {error}") from error
