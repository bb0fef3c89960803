"""The offline resolver: what a set of master files says of a name."""

from ipaddress import ip_address
from pathlib import Path
from textwrap import dedent
from typing import Any

import dns.name
import pytest
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from csr_approver.evidence.zone import ZoneNames
from csr_approver.policy.names import DnsName
from csr_approver.policy.observation import Absent, Seen, Unavailable
from csr_approver.policy.resolution import Resolution

NXDOMAIN = Resolution(Absent("NXDOMAIN"), Absent("NXDOMAIN"))
NO_DATA = Resolution(Absent("no A record"), Absent("no AAAA record"))


def load(directory: Path, *texts: str) -> ZoneNames:
    paths = [directory / f"{number}.zone" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(dedent(text))
    return ZoneNames.load(paths)


def resolve(zone: ZoneNames, name: str) -> Resolution:
    return dict(zone.resolve([DnsName(name)]))[DnsName(name)]


def seen(*addresses: str) -> Seen[Any]:
    return Seen(frozenset(ip_address(address) for address in addresses))


@pytest.fixture
def zone(tmp_path: Path) -> ZoneNames:
    return load(
        tmp_path,
        """
        $ORIGIN nodes.example.com.
        $TTL 1h
        web         A     10.0.0.1
                    A     10.0.0.2
                    AAAA  fd00::1
        MixedCase   A     10.0.0.3
        a.deep.tree A     10.0.0.4
        alias       CNAME web
        second      CNAME alias
        dangling    CNAME nowhere
        abroad      CNAME www.example.org.
        ring        CNAME gnir
        gnir        CNAME ring
        self        CNAME self
        moved       DNAME example.org.
        to-moved    CNAME below.moved
        delegated   NS    ns.delegated
        ns.delegated A    10.0.0.5
        *.any       A     10.0.0.6
        there.any   TXT   "no address"
        *.alias-any CNAME web
        sub.*.ent   A     10.0.0.7
        """,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("web", Resolution(seen("10.0.0.1", "10.0.0.2"), seen("fd00::1")), id="all addresses of a name"),
        pytest.param("mixedcase", Resolution(seen("10.0.0.3"), Absent("no AAAA record")), id="case does not matter"),
        pytest.param("nowhere", NXDOMAIN, id="a name that is not there does not exist"),
        pytest.param("deep.tree", NO_DATA, id="an empty non-terminal exists"),
        pytest.param("b.deep.tree", NXDOMAIN, id="beside the one name below an empty non-terminal there is nothing"),
        pytest.param("below.web", NXDOMAIN, id="a name's records do not cover what is below it"),
        pytest.param("there.any", NO_DATA, id="a name of another type exists without address"),
        pytest.param("alias", Resolution(seen("10.0.0.1", "10.0.0.2"), seen("fd00::1")), id="a CNAME is followed"),
        pytest.param("second", Resolution(seen("10.0.0.1", "10.0.0.2"), seen("fd00::1")), id="so is a chain of two"),
        pytest.param("dangling", NXDOMAIN, id="a CNAME to a name that is not there ends in NXDOMAIN"),
        pytest.param("abroad", NXDOMAIN, id="so does a CNAME out of the files"),
        pytest.param("delegated", NO_DATA, id="NS is no address"),
        pytest.param(
            "ns.delegated", Resolution(seen("10.0.0.5"), Absent("no AAAA record")), id="below a delegation is answered"
        ),
        pytest.param("x.any", Resolution(seen("10.0.0.6"), Absent("no AAAA record")), id="a wildcard covers a label"),
        pytest.param("y.x.any", Resolution(seen("10.0.0.6"), Absent("no AAAA record")), id="a wildcard covers two"),
        pytest.param("any", NO_DATA, id="a wildcard does not cover its own parent"),
        pytest.param("x.there.any", NXDOMAIN, id="the closest encloser has no wildcard of its own"),
        pytest.param(
            "x.alias-any", Resolution(seen("10.0.0.1", "10.0.0.2"), seen("fd00::1")), id="a wildcard CNAME is followed"
        ),
        pytest.param("x.ent", NO_DATA, id="a wildcard that is an empty non-terminal gives no data"),
    ],
)
def test_answers_like_an_authority(zone: ZoneNames, name: str, expected: Resolution) -> None:
    assert resolve(zone, f"{name}.nodes.example.com") == expected


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("ring", "CNAME loop, or a chain of 16 or more", id="a loop of two"),
        pytest.param("self", "CNAME loop, or a chain of 16 or more", id="a CNAME to itself"),
        pytest.param("below.moved", "the DNAME of moved.nodes.example.com is not followed", id="below a DNAME"),
        pytest.param("to-moved", "the DNAME of moved.nodes.example.com is not followed", id="a DNAME behind a CNAME"),
    ],
)
def test_what_is_no_answer_is_unavailable(zone: ZoneNames, name: str, problem: str) -> None:
    unavailable = Unavailable(problem)
    assert resolve(zone, f"{name}.nodes.example.com") == Resolution(unavailable, unavailable)


def test_the_owner_of_a_dname_itself_is_answered(zone: ZoneNames) -> None:
    assert resolve(zone, "moved.nodes.example.com") == NO_DATA


@pytest.mark.parametrize(("length", "expected"), [(15, seen("10.0.0.1")), (16, None)])
def test_a_chain_is_followed_as_far_as_a_stub_resolver_would(tmp_path: Path, length: int, expected: object) -> None:
    links = [f"n{number} CNAME n{number + 1}" for number in range(length)]
    zone = load(tmp_path, "\n".join([*links, f"n{length} A 10.0.0.1", ""]))
    answer = resolve(zone, "n0").ipv4
    assert answer == expected if expected else isinstance(answer, Unavailable)


def test_each_distinct_name_is_answered_once(zone: ZoneNames) -> None:
    names = [DnsName("web.nodes.example.com"), DnsName("nowhere.example.com"), DnsName("web.nodes.example.com")]
    assert [name for name, _ in zone.resolve(names)] == names[:2]


def test_a_wildcard_answers_under_the_name_that_was_asked_for(zone: ZoneNames) -> None:
    name = dns.name.from_text("x.any.nodes.example.com")
    answer = zone.lookup(name, RdataType.A)
    assert answer.rcode == Rcode.NOERROR
    assert answer.records is not None
    assert (answer.records.name, answer.records.ttl) == (name, 3600)


def test_a_cname_that_is_asked_for_is_not_followed(zone: ZoneNames) -> None:
    answer = zone.lookup(dns.name.from_text("second.nodes.example.com"), RdataType.CNAME)
    assert answer.chain == []
    assert answer.records is not None


def test_names_without_origin_are_relative_to_the_root(tmp_path: Path) -> None:
    assert resolve(load(tmp_path, "node.example.com A 10.0.0.1\n"), "node.example.com").ipv4 == seen("10.0.0.1")


def test_zones_of_one_file_and_of_several_are_merged(tmp_path: Path) -> None:
    soa = "@ SOA ns admin 1 3600 600 86400 60"
    zone = load(
        tmp_path,
        f"$ORIGIN one.example.\n{soa}\nnode A 10.0.0.1\n$ORIGIN two.example.\n{soa}\nnode A 10.0.0.2\n",
        "$ORIGIN one.example.\nnode A 10.0.0.3\nlink CNAME node.two.example.\n",
    )
    assert resolve(zone, "node.one.example").ipv4 == seen("10.0.0.1", "10.0.0.3")
    assert resolve(zone, "link.one.example").ipv4 == seen("10.0.0.2")


def test_a_signed_cname_is_read(tmp_path: Path) -> None:
    zone = load(tmp_path, "link CNAME node\nlink NSEC node CNAME\nnode A 10.0.0.1\n")
    assert resolve(zone, "link").ipv4 == seen("10.0.0.1")


def test_no_file_means_that_nothing_exists() -> None:
    assert resolve(ZoneNames.load([]), "node.example.com") == NXDOMAIN


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        pytest.param("a A 10.0.0.1\n\nb A 10.0.0\nc A 10.0.0.2\n", 3, "malformed", id="an address that is none"),
        pytest.param("a A\nb A 10.0.0.1\n", 1, "expecting an identifier", id="a record without data"),
        pytest.param("a HOST 10.0.0.1\n", 1, "unknown rdatatype 'HOST'", id="a type that is none"),
        pytest.param("a CH A 10.0.0.1\n", 1, "class", id="another class"),
        pytest.param("; note\n$INCLUDE other.zone\n", 2, "'$INCLUDE' is not allowed", id="an included file"),
        pytest.param("a SOA b c (\n 1 2 3 4\n", 2, "unbalanced parentheses", id="parentheses left open"),
        pytest.param("a A 10.0.0.1\na CNAME b\n", 2, "has a CNAME and another record", id="a CNAME beside an address"),
        pytest.param("a CNAME b\na CNAME c\n", 2, "has a CNAME and another record", id="two CNAMEs of a name"),
        pytest.param(f"{'a' * 64} A 10.0.0.1\n", 1, "63 octets", id="a label that is too long"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_one_line_with_the_place(
    tmp_path: Path, text: str, line: int, fault: str
) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as raised:
        load(tmp_path, text)
    assert str(raised.value).startswith(
        f"{tmp_path / '0.zone'}:{line}: cannot read {text.splitlines()[line - 1]!r}"[:150]
    )
    assert fault in str(raised.value)


def test_records_that_contradict_each_other_across_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1\.zone:1: .*has a CNAME and another record"):
        load(tmp_path, "a A 10.0.0.1\n", "a CNAME b\n")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(None, "No such file or directory", id="there is no such file"),
        pytest.param(b"a TXT \xff\n", "not UTF-8 text (byte 6)", id="it is not text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "nodes.zone"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as raised:
        ZoneNames.load([path])
    assert str(raised.value) == f"{path}: {fault}"
