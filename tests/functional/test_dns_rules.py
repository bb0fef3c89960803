"""What DNS says of the names that are asked for: it narrows, and proves a custom-domain name (DESIGN section 3)."""

from collections.abc import Mapping

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.dns_answers import Behaviour, Fault, Slow
from csr_approver_local.system import System
from tests.support.endings import APPROVED, Ending, Played, check, denied, ending_of, left, play
from tests.support.fleet import Node, fleet
from tests.support.interfaces import interface, with_interfaces
from tests.support.requests import ADDRESS, NODE_NAME, signing_request
from tests.support.worlds import default_world, with_zone

DOMAIN = "us-west-2.compute.internal"
SECOND, POD_ADDRESS, PREFIX_ADDRESS = "10.0.2.23", "10.0.1.99", "10.0.7.17"
PUBLIC, OWN_V6, SECOND_V6 = "54.186.12.35", "2600:1f14:aa:bb00::17", "2600:1f14:aa:bb00::18"
ZONE = f"""
$TTL 60
$ORIGIN {DOMAIN}.
own          A     {ADDRESS}
both         A     {ADDRESS}
both         AAAA  {OWN_V6}
public       A     {PUBLIC}
pod          A     {POD_ADDRESS}
prefix       A     {PREFIX_ADDRESS}
second       A     {SECOND}
second-v6    AAAA  {SECOND_V6}
alias        CNAME own
text         TXT   "no address"
foreign      A     10.0.1.24
foreign-v6   AAAA  2600:1f14:aa:bb00::99
one-foreign  A     {ADDRESS}
one-foreign  A     10.0.1.24
alias-away   CNAME foreign
dangling     CNAME nowhere
loop         CNAME pool
pool         CNAME loop
servfail     A     {ADDRESS}
refused      A     {ADDRESS}
silent       A     {ADDRESS}
truncated    A     {ADDRESS}
truncated-foreign A 10.0.1.24
slow         A     {ADDRESS}
mixed        A     10.0.1.24
too-slow     A     {ADDRESS}

$ORIGIN corp.example.
own          A     {ADDRESS}
pod          A     {POD_ADDRESS}
foreign      A     10.0.1.24
text         TXT   "no address"
servfail     A     {ADDRESS}
other-label  A     {ADDRESS}

$ORIGIN ids.example.
*            A     {ADDRESS}
"""
BEHAVIOURS: Mapping[str, Behaviour] = {
    f"servfail.{DOMAIN}": Fault.SERVFAIL,
    f"refused.{DOMAIN}": Fault.REFUSED,
    f"silent.{DOMAIN}": Fault.SILENT,
    f"truncated.{DOMAIN}": Fault.TRUNCATED,
    f"truncated-foreign.{DOMAIN}": Fault.TRUNCATED,
    f"slow.{DOMAIN}": Slow(0.1),
    f"too-slow.{DOMAIN}": Slow(5),
    "servfail.corp.example": Fault.SERVFAIL,
    "mixed.corp.example": Fault.SERVFAIL,
}
SETTINGS = {"dns-timeout-seconds": "0.6", "custom-domains": "corp.example,ids.example"}
UNKNOWN, ELSEWHERE, NOT_IN_DNS = (
    left(Reason.DNS_UNAVAILABLE),
    denied(Reason.NAME_RESOLVES_ELSEWHERE),
    left(Reason.NAME_NOT_IN_DNS),
)


def named(label: str, ending: Ending, *asked: str) -> Node:
    """A node with this first label, which asks for its name, or for others, and for its address."""
    change = with_interfaces(
        interface(
            ADDRESS, secondary=[POD_ADDRESS], public=PUBLIC, ipv6=[OWN_V6, SECOND_V6], ipv4_prefix="10.0.7.16/28"
        ),
        interface(SECOND, device=1),
        PrivateDnsName=f"{label}.{DOMAIN}",
    )
    return Node(ending, change, (*(asked or (f"{label}.{DOMAIN}",)), ADDRESS), f"{label}.{DOMAIN}")


def in_corp(label: str, ending: Ending) -> Node:
    return named(label, ending, f"{label}.corp.example")


NODES: dict[str, Node] = {
    "the name resolves to the node's address": named("own", APPROVED),
    "the name resolves in both families": named("both", APPROVED),
    "the name resolves to its public address": named("public", APPROVED),
    "the name resolves to a secondary address": named("pod", APPROVED),
    "the name resolves to a second interface": named("second", APPROVED),
    "the name resolves to any of its IPv6 addresses": named("second-v6", APPROVED),
    "the name is an alias of the node's": named("alias", APPROVED),
    "DNS does not know the name, which EC2 gives": named("nxdomain", APPROVED),
    "DNS knows no address of the name, which EC2 gives": named("text", APPROVED),
    "the alias leads nowhere": named("dangling", APPROVED),
    "the answer takes TCP": named("truncated", APPROVED),
    "the answer is slow": named("slow", APPROVED),
    "the name resolves to an address in a delegated prefix": named("prefix", ELSEWHERE),
    "the name resolves to another node": named("foreign", ELSEWHERE),
    "the name resolves to another node in IPv6": named("foreign-v6", ELSEWHERE),
    "one of two addresses is another node's": named("one-foreign", ELSEWHERE),
    "the alias leads to another node": named("alias-away", ELSEWHERE),
    "the foreign answer takes TCP": named("truncated-foreign", ELSEWHERE),
    "aliases run in a circle": named("loop", UNKNOWN),
    "the resolver fails": named("servfail", UNKNOWN),
    "the resolver refuses": named("refused", UNKNOWN),
    "the resolver is silent": named("silent", UNKNOWN),
    "the answer comes too late": named("too-slow", UNKNOWN),
    "one name resolves elsewhere, of the other nothing is known": named(
        "mixed", ELSEWHERE, f"mixed.{DOMAIN}", "mixed.corp.example"
    ),
    "a bare instance id is no DNS name": Node(APPROVED, asked=("{id}", ADDRESS), node_name="{id}"),
    "a custom-domain name resolves to the node": in_corp("own", APPROVED),
    "a custom-domain name has the node's id for its label": named("own", APPROVED, "{id}.ids.example"),
    "a custom-domain name resolves to a secondary address": in_corp("pod", APPROVED),
    "a custom-domain name resolves to another node": in_corp("foreign", ELSEWHERE),
    "a custom-domain name is not in DNS": in_corp("nxdomain", NOT_IN_DNS),
    "a custom-domain name has no address": in_corp("text", NOT_IN_DNS),
    "a custom-domain name cannot be resolved": in_corp("servfail", UNKNOWN),
    "a custom-domain name has another label": named(
        "own", denied(Reason.NAME_NOT_OF_INSTANCE), "other-label.corp.example"
    ),
    "a custom-domain name has another label below": named(
        "own", denied(Reason.NAME_NOT_OF_INSTANCE), "own.sub.corp.example"
    ),
    "a node is named in the custom domain": Node(
        APPROVED,
        lambda instance: instance.update(PrivateDnsName=f"own.{DOMAIN}"),
        ("own.corp.example", ADDRESS),
        "own.corp.example",
    ),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    world, rows = fleet(NODES, with_zone(ZONE, tmp_path_factory.mktemp("zone")))
    return play(rows, world, SETTINGS, BEHAVIOURS)


@pytest.mark.parametrize("sentence", NODES)
def test_no_name_may_lead_elsewhere(sentence: str, played: Played) -> None:
    check(played.endings[sentence], NODES[sentence].ending)


def test_no_answer_troubles_the_function(played: Played) -> None:
    assert played.troubles == []


def test_a_silent_resolver_disproves_nothing() -> None:
    with System(default_world(), {"dns-timeout-seconds": "0.2"}) as system:
        system.dns.down = True
        request = system.cluster.stored(system.submit(signing_request())) or {}
        system.run()
        assert ending_of(system, request) == UNKNOWN


@pytest.mark.parametrize(
    ("settings", "request_names", "asked"),
    [
        pytest.param({}, (NODE_NAME, ADDRESS), {NODE_NAME}, id="names that EC2 gives are asked for"),
        pytest.param({}, ("evil.example", ADDRESS), set(), id="names that it does not give are not"),
        pytest.param({}, (ADDRESS,), set(), id="addresses are not looked up"),
        pytest.param({"dns-check": "off"}, (NODE_NAME, ADDRESS), set(), id="nothing is with dns-check=off"),
    ],
)
def test_the_resolver_is_asked_no_more_than_it_must(
    settings: Mapping[str, str], request_names: tuple[str, ...], asked: set[str]
) -> None:
    with System(default_world(), settings) as system:
        system.submit(signing_request(*request_names))
        system.run()
        assert {query.name for query in system.dns.queries} == asked
        assert len(system.dns.queries) == 2 * len(asked)
