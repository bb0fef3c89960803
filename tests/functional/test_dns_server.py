"""The local DNS server, asked by dnspython's own client over real sockets."""

import random
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import pytest
from dns.exception import Timeout
from dns.message import Message
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from csr_approver.evidence.zone import ZoneNames
from csr_approver_local.dns_answers import Behaviour, Fault, Lie, Query, Slow
from csr_approver_local.dns_server import DnsServer

ZONE = """
node     300 A     10.0.0.1
alias        CNAME second
second       CNAME node
broken       A     10.0.0.2
refused      A     10.0.0.2
silent       A     10.0.0.2
slow         A     10.0.0.2
truncated    A     10.0.0.2
""" + "\n".join(f"many A 10.1.0.{number}" for number in range(100))

BEHAVIOURS: dict[str, Behaviour] = {
    "broken": Fault.SERVFAIL,
    "refused": Fault.REFUSED,
    "silent": Fault.SILENT,
    "slow": Slow(0.2),
    "truncated": Fault.TRUNCATED,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DnsServer]:
    path = tmp_path / "nodes.zone"
    path.write_text(ZONE + "\n")
    with DnsServer(ZoneNames.load([path]), BEHAVIOURS) as running:
        yield running


def port(server: DnsServer) -> int:
    return int(server.address.removeprefix("127.0.0.1:"))


def ask_udp(server: DnsServer, query: Message, seconds: float = 2) -> Message:
    return dns.query.udp(query, "127.0.0.1", port=port(server), timeout=seconds)


def ask_tcp(server: DnsServer, query: Message, seconds: float = 2) -> Message:
    return dns.query.tcp(query, "127.0.0.1", port=port(server), timeout=seconds)


def question(name: str, rdtype: str = "A") -> Message:
    return dns.message.make_query(f"{name}.", rdtype)


def addresses(response: Message) -> set[str]:
    return {record.to_text() for rrset in response.answer if rrset.rdtype == RdataType.A for record in rrset}


def test_one_port_answers_over_both_transports_and_counts(server: DnsServer) -> None:
    for response in (ask_udp(server, question("NODE")), ask_tcp(server, question("NODE"))):
        assert (response.rcode(), addresses(response)) == (Rcode.NOERROR, {"10.0.0.1"})
        assert response.flags & dns.flags.RA
        assert response.flags & dns.flags.AA
    assert server.queries == [Query("node", "A", "udp"), Query("node", "A", "tcp")]


def test_a_whole_cname_chain_is_in_one_answer(server: DnsServer) -> None:
    response = ask_udp(server, question("alias"))
    assert [rrset.name.to_text() for rrset in response.answer] == ["alias.", "second.", "node."]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        pytest.param("nowhere", "A", Rcode.NXDOMAIN, id="a name that is not there"),
        pytest.param("node", "AAAA", Rcode.NOERROR, id="a type that the name has not"),
        pytest.param("broken", "A", Rcode.SERVFAIL, id="SERVFAIL on demand"),
        pytest.param("refused", "A", Rcode.REFUSED, id="REFUSED on demand"),
        pytest.param("node", "ANY", Rcode.NOTIMP, id="a metatype"),
    ],
)
def test_an_answer_without_records(server: DnsServer, name: str, rdtype: str, rcode: Rcode) -> None:
    response = ask_udp(server, question(name, rdtype))
    assert (response.rcode(), response.answer) == (rcode, [])


def test_a_silent_name_is_not_answered_and_the_next_one_is(server: DnsServer) -> None:
    with pytest.raises(Timeout):
        ask_udp(server, question("silent"), seconds=0.2)
    assert addresses(ask_udp(server, question("node"))) == {"10.0.0.1"}


def test_a_slow_name_is_answered_late(server: DnsServer) -> None:
    with pytest.raises(Timeout):
        ask_udp(server, question("slow"), seconds=0.1)
    assert addresses(ask_udp(server, question("slow"))) == {"10.0.0.2"}
    assert addresses(ask_tcp(server, question("slow"))) == {"10.0.0.2"}


def test_a_server_that_is_down_answers_nothing_until_it_is_up(server: DnsServer) -> None:
    server.down = True
    with pytest.raises(Timeout):
        ask_udp(server, question("node"), seconds=0.2)
    with pytest.raises(Timeout):
        ask_tcp(server, question("node"), seconds=0.2)
    server.down = False
    assert addresses(ask_udp(server, question("node"))) == {"10.0.0.1"}


def test_truncation_on_demand_sends_the_client_to_tcp(server: DnsServer) -> None:
    response = ask_udp(server, question("truncated"))
    assert response.flags & dns.flags.TC
    assert response.answer == []
    assert addresses(ask_tcp(server, question("truncated"))) == {"10.0.0.2"}


def test_truncation_without_tcp_leaves_the_client_without_an_answer(server: DnsServer) -> None:
    server.behaviours["node"] = Fault.TRUNCATED_WITHOUT_TCP
    assert ask_udp(server, question("node")).flags & dns.flags.TC
    with pytest.raises(Timeout):
        ask_tcp(server, question("node"), seconds=0.2)


def test_a_lie_counts_until_it_is_taken_back(server: DnsServer) -> None:
    server.behaviours["node"] = Lie(IPv4Address("192.0.2.1"))
    assert addresses(ask_udp(server, question("node"))) == {"192.0.2.1"}
    assert ask_udp(server, question("node", "AAAA")).answer == []
    del server.behaviours["node"]
    assert addresses(ask_udp(server, question("node"))) == {"10.0.0.1"}


def test_an_answer_that_does_not_fit_is_truncated(server: DnsServer) -> None:
    assert ask_udp(server, question("many")).flags & dns.flags.TC
    assert len(addresses(ask_tcp(server, question("many")))) == 100


def test_an_answer_that_fits_into_the_size_of_edns_is_whole(server: DnsServer) -> None:
    query = dns.message.make_query("many.", "A", use_edns=0, payload=4096)
    assert len(addresses(ask_udp(server, query))) == 100


def test_a_message_with_a_header_only_is_a_format_error(server: DnsServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(b"\x12\x34\x01\x00\x00\x01" + bytes(6), ("127.0.0.1", port(server)))
        response = dns.message.from_wire(client.recv(512))
    assert (response.id, response.rcode()) == (0x1234, Rcode.FORMERR)


def test_garbage_does_not_stop_the_server(server: DnsServer) -> None:
    garbage = random.Random(53)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for length in range(100):
            client.sendto(garbage.randbytes(length), ("127.0.0.1", port(server)))
    with socket.create_connection(("127.0.0.1", port(server))) as stream:
        stream.sendall(b"\xff\xff" + garbage.randbytes(100))
    assert addresses(ask_udp(server, question("node"))) == {"10.0.0.1"}
    assert addresses(ask_tcp(server, question("node"))) == {"10.0.0.1"}


def test_it_stops_while_a_client_is_connected(server: DnsServer) -> None:
    with DnsServer(ZoneNames({})) as second, socket.create_connection(("127.0.0.1", port(second))):
        assert second.address != server.address
