"""The resolver against servers that answer what no server should."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from dns.message import Message

from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.resolution import Resolution
from tests.support.resolving import resolve, unavailable


@contextmanager
def raw_server(*replies: Callable[[Message], bytes], host: str = "127.0.0.1") -> Iterator[str]:
    """A UDP server that answers each query with these datagrams, one after the other."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))

        def serve() -> None:
            while True:
                wire, client = udp.recvfrom(512)
                if not wire:
                    return
                query = dns.message.from_wire(wire)
                for reply in replies:
                    udp.sendto(reply(query), client)

        thread = threading.Thread(target=serve)
        thread.start()
        port = udp.getsockname()[1]
        try:
            yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        finally:
            udp.sendto(b"", udp.getsockname())
            thread.join()


def response_to(query: Message, *records: str) -> Message:
    response = dns.message.make_response(query, recursion_available=True)
    for owner, rdtype, data in map(str.split, records):
        response.answer.append(dns.rrset.from_text(owner, 60, "IN", rdtype, data))
    return response


def honest(query: Message) -> bytes:
    rdtype = query.question[0].rdtype.name
    return response_to(query, f"node. {rdtype} {'10.0.0.1' if rdtype == 'A' else 'fd00::1'}").to_wire()


def looped(query: Message) -> bytes:
    return response_to(query, "node. CNAME edon.", "edon. CNAME node.").to_wire()


def contradictory(query: Message) -> bytes:
    response = response_to(query, "node. A 10.0.0.9", "node. AAAA fd00::9")
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


def unfinished(query: Message) -> bytes:
    response = response_to(query, "node. CNAME elsewhere.")
    response.flags = dns.flags.QR | dns.flags.AA
    return response.to_wire()


def lame(query: Message) -> bytes:
    response = dns.message.make_response(query)
    response.authority = [dns.rrset.from_text("example.", 60, "IN", "NS", "ns.example.")]
    return response.to_wire()


def without_question(query: Message) -> bytes:
    response = dns.message.make_response(query)
    response.question = []
    response.set_rcode(dns.rcode.SERVFAIL)
    return response.to_wire()


def asked_twice(query: Message) -> bytes:
    """No record, and the question two times."""
    header, question = (wire := response_to(query).to_wire())[:12], wire[12:]
    return header[:4] + b"\0\x02" + header[6:] + question * 2


def cut_off(query: Message) -> bytes:
    response = response_to(query, "node. A 10.0.0.9")
    response.flags |= dns.flags.TC
    return response.to_wire()[:-4]


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        pytest.param(looped, "The CNAME chain is too long. ({})", id="a loop that the server does not notice"),
        pytest.param(
            contradictory, "The rcode is NXDOMAIN but an answer was found. ({})", id="NXDOMAIN with addresses"
        ),
        pytest.param(unfinished, "referral ({})", id="a CNAME that the server does not follow"),
        pytest.param(lame, "referral ({})", id="a referral to other servers"),
        pytest.param(asked_twice, "an answer to 2 questions ({})", id="no record, and two questions"),
        pytest.param(without_question, "SERVFAIL ({})", id="a failure without the question"),
        pytest.param(
            cut_off,
            "Connect call failed ('127.0.0.1', {1}) ({0})",
            id="what is truncated amid a record, where TCP is refused",
        ),
        pytest.param(lambda _: b"garbage", "no answer within 0.3 s", id="garbage"),
    ],
)
def test_an_odd_answer_is_unavailable(reply: Callable[[Message], bytes], detail: str) -> None:
    with raw_server(reply) as server:
        assert resolve(server, "node", 0.3) == unavailable(detail.format(server, server.rpartition(":")[2]))


def test_no_data_from_an_authority_that_does_not_recurse_is_an_answer() -> None:
    def no_data(query: Message) -> bytes:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        return response.to_wire()

    with raw_server(no_data) as server:
        assert resolve(server, "node") == Resolution(Absent("no A record"), Absent("no AAAA record"))


def test_datagrams_that_are_no_answer_to_the_query_are_passed_over() -> None:
    def other_id(query: Message) -> bytes:
        wire = looped(query)
        return bytes([wire[0] ^ 1]) + wire[1:]

    def other_name(query: Message) -> bytes:
        other = dns.message.make_query("other.", query.question[0].rdtype, id=query.id)
        return response_to(other).to_wire()

    def other_id_truncated(query: Message) -> bytes:
        wire = cut_off(query)
        return bytes([wire[0] ^ 1]) + wire[1:]

    forged = (lambda _: b"garbage", other_id, other_id_truncated, other_name, Message.to_wire)
    with raw_server(*forged, honest) as server:
        assert resolve(server, "node").ipv4 == Seen(frozenset({IPv4Address("10.0.0.1")}))


def test_a_flood_of_forged_datagrams_ends_with_the_time_limit() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        over = threading.Event()

        def flood() -> None:
            wire, client = udp.recvfrom(512)
            # Takes longer to read than to send.
            other = dns.message.make_query("node.", "A", id=dns.message.from_wire(wire).id ^ 1)
            forged = response_to(other, *(f"node. A 10.0.0.{number}" for number in range(250))).to_wire()
            # Refused, once the client has gone.
            with suppress(ConnectionRefusedError):
                while not over.is_set():
                    udp.sendto(forged, client)

        thread = threading.Thread(target=flood)
        thread.start()
        started = time.monotonic()
        try:
            server = f"127.0.0.1:{udp.getsockname()[1]}"
            assert resolve(server, "node", 0.5) == unavailable("no answer within 0.5 s")
        finally:
            over.set()
            thread.join()
        assert time.monotonic() - started < 2


def test_a_question_that_gets_lost_is_asked_again() -> None:
    asked: Counter[str] = Counter()

    def at_the_second_time(query: Message) -> bytes:
        asked[query.question[0].rdtype.name] += 1
        return honest(query) if asked[query.question[0].rdtype.name] == 2 else b"garbage"

    with raw_server(at_the_second_time) as server:
        assert resolve(server, "node", 0.5).ipv4 == Seen(frozenset({IPv4Address("10.0.0.1")}))
    assert asked == {"A": 2, "AAAA": 2}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_server_may_have_an_ipv6_address() -> None:
    with raw_server(honest, host="::1") as server:
        assert resolve(server, "node").ipv4 == Seen(frozenset({IPv4Address("10.0.0.1")}))


def test_one_type_is_seen_and_the_other_unanswered() -> None:
    def only_ipv4(query: Message) -> bytes:
        if query.question[0].rdtype.name == "AAAA":
            return b"garbage"
        return honest(query)

    with raw_server(only_ipv4) as server:
        answers = resolve(server, "node", 0.3)
    assert answers == Resolution(Seen(frozenset({IPv4Address("10.0.0.1")})), Unavailable("no answer within 0.3 s"))
