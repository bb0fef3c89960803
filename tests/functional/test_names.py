"""The resolver against DNS servers that really listen on the loopback."""

import gc
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from csr_approver.evidence import name_servers
from csr_approver.evidence.names import DnsNames
from csr_approver.evidence.zone import ZoneNames
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.resolution import Resolution
from csr_approver_local.dns_answers import Behaviour, Fault, Slow
from csr_approver_local.dns_server import DnsServer
from tests.support.resolving import resolve, unavailable

ZONE = """
node         A     10.0.0.1
node         A     10.0.0.2
node         AAAA  fd00::1
only-ipv4    A     10.0.0.3
text         TXT   "no address"
alias        CNAME second
second       CNAME node
dangling     CNAME nowhere
ring         CNAME gnir
gnir         CNAME ring
"""
NODE = Resolution(
    Seen(frozenset({IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")})), Seen(frozenset({IPv6Address("fd00::1")}))
)
# dnspython alone overshoots by seconds; the rest is for a machine that is busy with other tests.
OVERSHOOT_SECONDS = 0.8


@contextmanager
def dns_server(
    directory: Path, text: str = ZONE, behaviours: dict[str, Behaviour] | None = None
) -> Iterator[DnsServer]:
    path = directory / "nodes.zone"
    path.write_text(text + "\n")
    with DnsServer(ZoneNames.load([path]), behaviours) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("node", NODE, id="all addresses of both types"),
        pytest.param("alias", NODE, id="a CNAME chain is followed"),
        pytest.param(
            "only-ipv4",
            Resolution(Seen(frozenset({IPv4Address("10.0.0.3")})), Absent("no AAAA record")),
            id="one type and not the other",
        ),
        pytest.param("text", Resolution(Absent("no A record"), Absent("no AAAA record")), id="no data"),
        pytest.param("nowhere", Resolution(Absent("NXDOMAIN"), Absent("NXDOMAIN")), id="NXDOMAIN"),
        pytest.param("dangling", Resolution(Absent("NXDOMAIN"), Absent("NXDOMAIN")), id="NXDOMAIN behind a CNAME"),
    ],
)
def test_what_the_server_says_of_a_name(tmp_path: Path, name: str, expected: Resolution) -> None:
    with dns_server(tmp_path) as server:
        assert resolve(server.address, name) == expected


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        pytest.param(Fault.SERVFAIL, "SERVFAIL ({})", id="SERVFAIL"),
        pytest.param(Fault.REFUSED, "REFUSED ({})", id="REFUSED"),
        pytest.param(Fault.SILENT, "no answer within 0.4 s", id="silence"),
        pytest.param(Slow(1), "no answer within 0.4 s", id="an answer that comes too late"),
    ],
)
def test_a_failure_is_unavailable_and_not_absent(tmp_path: Path, behaviour: Behaviour, detail: str) -> None:
    with dns_server(tmp_path, behaviours={"node": behaviour}) as server:
        assert resolve(server.address, "node", 0.4) == unavailable(detail.format(server.address))


def test_a_cname_loop_is_unavailable(tmp_path: Path) -> None:
    with dns_server(tmp_path) as server:
        assert resolve(server.address, "ring") == unavailable(f"SERVFAIL ({server.address})")


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(Slow(0.3), id="the first try is still waited for when the second is out"),
        pytest.param(Fault.TRUNCATED, id="a truncated answer is fetched over TCP"),
    ],
)
def test_an_answer_that_takes_its_time_counts(tmp_path: Path, behaviour: Behaviour) -> None:
    with dns_server(tmp_path, behaviours={"node": behaviour}) as server:
        assert resolve(server.address, "node", 0.5) == NODE


def test_an_answer_over_512_octets_is_fetched_over_tcp(tmp_path: Path) -> None:
    many = [f"10.1.0.{number}" for number in range(100)]
    with dns_server(tmp_path, "\n".join(f"many A {address}" for address in many)) as server:
        assert resolve(server.address, "many").ipv4 == Seen(frozenset(IPv4Address(address) for address in many))
        assert [query.transport for query in server.queries if query.type == "A"] == ["udp", "tcp"]


def test_an_answer_that_is_truncated_over_tcp_too_is_unavailable(tmp_path: Path) -> None:
    # 5,000 addresses need more than the 65,535 octets of any DNS message.
    text = "\n".join(f"many A 10.{high}.{low}.1" for high in range(20) for low in range(250))
    with dns_server(tmp_path, text) as server:
        assert resolve(server.address, "many").ipv4 == Unavailable(f"truncated answer over TCP ({server.address})")


def test_a_closed_port_is_noticed_at_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{closed.getsockname()[1]}"
    started = time.monotonic()
    assert resolve(server, "node") == unavailable(f"Connection refused ({server})")
    assert time.monotonic() - started < 1


def test_fifty_silent_names_cost_the_time_limit_and_no_more(tmp_path: Path) -> None:
    names = [DnsName(f"silent-{number}") for number in range(50)]
    with dns_server(tmp_path, behaviours=dict.fromkeys(names, Fault.SILENT)) as server:
        started = time.monotonic()
        answers = dict(DnsNames([server.address], 1).resolve(names))
        elapsed = time.monotonic() - started
    assert answers == dict.fromkeys(names, unavailable("no answer within 1 s"))
    assert 1 <= elapsed < 1 + OVERSHOOT_SECONDS


def test_more_silent_names_than_sockets_cost_no_more_either(tmp_path: Path) -> None:
    names = [DnsName(f"silent-{number}") for number in range(400)]
    with dns_server(tmp_path) as server:
        server.down = True
        started = time.monotonic()
        answers = dict(DnsNames([server.address], 1).resolve(names))
        elapsed = time.monotonic() - started
    assert len(answers) == 400
    assert elapsed < 1 + OVERSHOOT_SECONDS


def test_an_honest_name_does_not_wait_for_silent_ones(tmp_path: Path) -> None:
    silent = [DnsName(f"silent-{number}") for number in range(50)]
    with dns_server(tmp_path, behaviours=dict.fromkeys(silent, Fault.SILENT)) as server:
        started = time.monotonic()
        answers = DnsNames([server.address], 1).resolve([*silent, DnsName("node")])
        assert next(answers) == ("node", NODE)
        assert time.monotonic() - started < 0.9
        assert {name for name, _ in answers} == set(silent)


def test_hundreds_of_names_at_once_are_all_answered(tmp_path: Path) -> None:
    names = [DnsName(f"node-{number}") for number in range(200)]
    text = "\n".join(f"{name} A 10.0.0.{number}" for number, name in enumerate(names))
    with dns_server(tmp_path, text) as server:
        answers = dict(DnsNames([server.address]).resolve(names))
    assert [answers[name].ipv4 for name in names] == [
        Seen(frozenset({IPv4Address(f"10.0.0.{number}")})) for number in range(200)
    ]


def test_each_distinct_name_is_asked_for_once_and_nothing_is_cached(tmp_path: Path) -> None:
    with dns_server(tmp_path) as server:
        names = DnsNames([server.address])
        for times in (1, 2):
            assert list(names.resolve([DnsName("node"), DnsName("node")])) == [("node", NODE)]
            assert sorted(server.queries) == [("node", "A", "udp")] * times + [("node", "AAAA", "udp")] * times


def test_a_name_is_asked_for_as_it_stands(tmp_path: Path) -> None:
    with dns_server(tmp_path) as server:
        resolve(server.address, "nowhere")
        assert {query.name for query in server.queries} == {"nowhere"}


@pytest.mark.parametrize("behaviour", [Fault.SILENT, Fault.SERVFAIL, Fault.REFUSED])
def test_a_second_server_makes_up_for_the_first(tmp_path: Path, behaviour: Behaviour) -> None:
    with (
        dns_server(tmp_path, behaviours={"node": behaviour}) as first,
        dns_server(tmp_path) as second,
    ):
        started = time.monotonic()
        answers = dict(DnsNames([first.address, second.address], 2).resolve([DnsName("node")]))
        assert answers == {"node": NODE}
        assert time.monotonic() - started < 1


def test_a_server_that_has_failed_is_not_asked_again(tmp_path: Path) -> None:
    with dns_server(tmp_path, behaviours={"node": Fault.SERVFAIL}) as server:
        resolve(server.address, "node")
        assert sorted(server.queries) == [("node", "A", "udp"), ("node", "AAAA", "udp")]


def test_when_all_servers_fail_each_is_named(tmp_path: Path) -> None:
    with (
        dns_server(tmp_path, behaviours={"node": Fault.SERVFAIL}) as first,
        dns_server(tmp_path, behaviours={"node": Fault.REFUSED}) as second,
    ):
        answers = dict(DnsNames([first.address, second.address]).resolve([DnsName("node")]))
        assert answers == {"node": unavailable(f"SERVFAIL ({first.address}), REFUSED ({second.address})")}


def test_an_answer_that_waits_while_the_caller_is_busy_is_not_lost(tmp_path: Path) -> None:
    with dns_server(tmp_path, behaviours={"alias": Slow(0.1)}) as server:
        answers = DnsNames([server.address], 0.5).resolve([DnsName("node"), DnsName("alias")])
        assert next(answers) == ("node", NODE)
        time.sleep(1)
        assert next(answers) == ("alias", NODE)


@pytest.mark.parametrize("behaviour", [Fault.SILENT, Fault.TRUNCATED, Slow(0.2)])
def test_abandoned_halfway_it_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, behaviour: Behaviour
) -> None:
    names = [DnsName(f"other-{number}") for number in range(20)]
    with dns_server(tmp_path, behaviours=dict.fromkeys(names, behaviour)) as server:
        answers = DnsNames([server.address]).resolve([DnsName("node"), *names])
        assert next(answers)
        del answers
        # A socket or loop left open is a ResourceWarning now, which the test run turns into an error.
        gc.collect()
    assert caplog.messages == []


def test_several_threads_may_resolve_at_once(tmp_path: Path) -> None:
    with dns_server(tmp_path) as server, ThreadPoolExecutor(8) as threads:
        names = DnsNames([server.address])
        results = list(threads.map(lambda _: dict(names.resolve([DnsName("node"), DnsName("alias")])), range(32)))
    assert results == [{"node": NODE, "alias": NODE}] * 32


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        pytest.param(None, "no DNS server is configured: cannot open {}", id="there is no resolv.conf"),
        pytest.param("search example.com\n", "no DNS server is configured: no nameservers", id="it names no server"),
        pytest.param("nameserver x\n", "no DNS server is configured: nameserver x is not", id="it names no address"),
    ],
)
def test_without_a_configured_server_every_name_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, detail: str
) -> None:
    resolv_conf = tmp_path / "resolv.conf"
    if content is not None:
        resolv_conf.write_text(content)
    monkeypatch.setattr(name_servers, "RESOLV_CONF", str(resolv_conf))
    names = [DnsName("node"), DnsName("alias")]
    for name, resolution in DnsNames().resolve(names):
        assert name == names.pop(0)
        assert isinstance(resolution.ipv4, Unavailable)
        assert resolution.ipv4.detail.startswith(detail.format(resolv_conf))
        assert resolution.ipv6 == resolution.ipv4
    assert names == []


def test_no_names_take_no_time() -> None:
    assert list(DnsNames(["192.0.2.1"]).resolve([])) == []
