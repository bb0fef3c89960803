"""Which names and addresses are an instance's own (DESIGN section 3, names and addresses), by each setting."""

from collections.abc import Mapping
from functools import cache

import pytest

from csr_approver.policy.reason import Reason
from tests.support.endings import APPROVED, Played, check, denied, play
from tests.support.fleet import Change, Node, fleet
from tests.support.interfaces import interface, with_interfaces
from tests.support.requests import ADDRESS, NODE_NAME

NOT_ITS_NAME, NOT_ITS_ADDRESS = denied(Reason.NAME_NOT_OF_INSTANCE), denied(Reason.ADDRESS_NOT_OF_INSTANCE)
RESOURCE_NAME = "{id}.us-west-2.compute.internal"
PUBLIC, PUBLIC_NAME = "54.186.12.35", "ec2-54-186-12-35.us-west-2.compute.amazonaws.com"
CARRIER, OTHER_PUBLIC = "155.146.10.111", "54.186.12.99"
OWN_V6, SECOND_V6, PREFIX_V6 = "2600:1f14:aa:bb00::17", "2600:1f14:aa:bb00::18", "2600:1f14:aa:bb01::/80"
POD_ADDRESS, PREFIX_ADDRESS = "10.0.1.99", "10.0.7.17"
SECOND, SECOND_POD = "10.0.2.23", "10.0.2.99"
FOREIGN_VPC = "vpc-0fedcba9876543210"


def hostname_options(kind: str = "ip-name", *, a: bool = False, aaaa: bool = False) -> Change:
    options = {"HostnameType": kind, "EnableResourceNameDnsARecord": a, "EnableResourceNameDnsAAAARecord": aaaa}
    return lambda instance: instance.update(PrivateDnsNameOptions=options)


PUBLIC_NODE = with_interfaces(
    interface(ADDRESS, public=PUBLIC, public_name=PUBLIC_NAME), PublicDnsName=PUBLIC_NAME, PublicIpAddress=PUBLIC
)
MULTIHOMED = with_interfaces(
    interface(ADDRESS), interface(SECOND, device=1, secondary=[SECOND_POD], ipv6=[OWN_V6], public=PUBLIC)
)
TABLES: Mapping[str, tuple[Mapping[str, str], dict[str, Node]]] = {
    "by default": (
        {},
        {
            "its private DNS name and primary address": Node(APPROVED),
            "another instance's private DNS name": Node(
                NOT_ITS_NAME, asked=(NODE_NAME, "ip-10-0-1-24.us-west-2.compute.internal")
            ),
            "the first label of its name": Node(NOT_ITS_NAME, asked=(NODE_NAME, "ip-10-0-1-23")),
            "a name below its name": Node(NOT_ITS_NAME, asked=(f"a.{NODE_NAME}",)),
            "a name that its name is below": Node(NOT_ITS_NAME, asked=("us-west-2.compute.internal",)),
            "its id, though it is not named so": Node(NOT_ITS_NAME, asked=(NODE_NAME, "{id}")),
            "a resource name that it has not": Node(NOT_ITS_NAME, hostname_options(), (NODE_NAME, RESOURCE_NAME)),
            "its resource name": Node(APPROVED, hostname_options("resource-name"), (NODE_NAME, RESOURCE_NAME)),
            "its resource name with an A record": Node(APPROVED, hostname_options(a=True), (RESOURCE_NAME,)),
            "its resource name with an AAAA record": Node(APPROVED, hostname_options(aaaa=True), (RESOURCE_NAME,)),
            "a resource name of another region": Node(
                NOT_ITS_NAME, hostname_options("resource-name"), ("{id}.us-east-2.compute.internal",)
            ),
            "a resource name of the oldest region's domain": Node(
                NOT_ITS_NAME, hostname_options("resource-name"), ("{id}.ec2.internal",)
            ),
            "another instance's resource name": Node(
                NOT_ITS_NAME, hostname_options("resource-name"), ("i-0123456789abcdef0.us-west-2.compute.internal",)
            ),
            "a custom-domain name without the setting": Node(NOT_ITS_NAME, asked=("ip-10-0-1-23.corp.example",)),
            "its public name and address": Node(APPROVED, PUBLIC_NODE, (NODE_NAME, PUBLIC_NAME, ADDRESS, PUBLIC)),
            "its public name by its interface alone": Node(
                APPROVED, with_interfaces(interface(ADDRESS, public=PUBLIC, public_name=PUBLIC_NAME)), (PUBLIC_NAME,)
            ),
            "another public name": Node(
                NOT_ITS_NAME, PUBLIC_NODE, ("ec2-54-186-12-99.us-west-2.compute.amazonaws.com",)
            ),
            "another public address": Node(NOT_ITS_ADDRESS, PUBLIC_NODE, (NODE_NAME, ADDRESS, OTHER_PUBLIC)),
            "a public address that moved away": Node(NOT_ITS_ADDRESS, asked=(NODE_NAME, ADDRESS, PUBLIC)),
            "its carrier address": Node(
                APPROVED, with_interfaces(interface(ADDRESS, carrier=CARRIER)), (ADDRESS, CARRIER)
            ),
            "another instance's address": Node(NOT_ITS_ADDRESS, asked=(NODE_NAME, "10.0.1.24")),
            "a pod's secondary address": Node(NOT_ITS_ADDRESS, asked=(NODE_NAME, POD_ADDRESS)),
            "a pod's address in a delegated prefix": Node(NOT_ITS_ADDRESS, asked=(NODE_NAME, PREFIX_ADDRESS)),
            "the public address of a pod's": Node(
                NOT_ITS_ADDRESS,
                lambda instance: instance["NetworkInterfaces"][0]["PrivateIpAddresses"][1].update(
                    Association={"PublicIp": PUBLIC}
                ),
                (ADDRESS, PUBLIC),
            ),
            "its only IPv6 address": Node(
                APPROVED, with_interfaces(interface(ADDRESS, ipv6=[OWN_V6])), (NODE_NAME, OWN_V6)
            ),
            "its IPv6 address in another spelling": Node(
                APPROVED,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6])),
                (NODE_NAME, "2600:1F14:00AA:BB00:0:0:0:0017"),
            ),
            "its primary IPv6 address of two": Node(
                APPROVED,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6, SECOND_V6], primary_ipv6=SECOND_V6)),
                (NODE_NAME, SECOND_V6),
            ),
            "the other IPv6 address of two": Node(
                NOT_ITS_ADDRESS,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6, SECOND_V6], primary_ipv6=SECOND_V6)),
                (NODE_NAME, OWN_V6),
            ),
            "one of two IPv6 addresses of which none is primary": Node(
                NOT_ITS_ADDRESS,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6, SECOND_V6])),
                (NODE_NAME, OWN_V6),
            ),
            "the IPv6 address of the instance": Node(
                APPROVED,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6, SECOND_V6]), Ipv6Address=OWN_V6),
                (NODE_NAME, OWN_V6),
            ),
            "an IPv6 address in a delegated prefix": Node(
                NOT_ITS_ADDRESS,
                with_interfaces(interface(ADDRESS, ipv6=[OWN_V6], ipv6_prefix=PREFIX_V6)),
                (NODE_NAME, "2600:1f14:aa:bb01::5"),
            ),
            "the address of a second interface": Node(NOT_ITS_ADDRESS, MULTIHOMED, (ADDRESS, SECOND)),
            "the address of a second network card": Node(
                NOT_ITS_ADDRESS, with_interfaces(interface(ADDRESS), interface(SECOND, card=1)), (ADDRESS, SECOND)
            ),
            "both kinds of objection": Node(
                denied(Reason.NAME_NOT_OF_INSTANCE, Reason.ADDRESS_NOT_OF_INSTANCE), asked=("evil.example", "10.9.9.9")
            ),
        },
    ),
    "with public-addresses=refuse": (
        {"public-addresses": "refuse"},
        {
            "its private DNS name and primary address": Node(APPROVED, PUBLIC_NODE),
            "its public name": Node(NOT_ITS_NAME, PUBLIC_NODE, (NODE_NAME, PUBLIC_NAME)),
            "its public address": Node(NOT_ITS_ADDRESS, PUBLIC_NODE, (NODE_NAME, PUBLIC)),
            "its carrier address": Node(
                NOT_ITS_ADDRESS, with_interfaces(interface(ADDRESS, carrier=CARRIER)), (ADDRESS, CARRIER)
            ),
        },
    ),
    "with interfaces=all": (
        {"interfaces": "all"},
        {
            "its primary address": Node(APPROVED, MULTIHOMED),
            "the address of a second interface": Node(APPROVED, MULTIHOMED, (ADDRESS, SECOND)),
            "the IPv6 address of a second interface": Node(APPROVED, MULTIHOMED, (ADDRESS, OWN_V6)),
            "the address of a second network card": Node(
                APPROVED, with_interfaces(interface(ADDRESS), interface(SECOND, card=1)), (ADDRESS, SECOND)
            ),
            "the public address of a second interface": Node(NOT_ITS_ADDRESS, MULTIHOMED, (ADDRESS, PUBLIC)),
            "a pod's address on a second interface": Node(NOT_ITS_ADDRESS, MULTIHOMED, (ADDRESS, SECOND_POD)),
            "a pod's secondary address": Node(NOT_ITS_ADDRESS, asked=(NODE_NAME, POD_ADDRESS)),
            "an interface that is being detached": Node(
                NOT_ITS_ADDRESS,
                with_interfaces(interface(ADDRESS), interface(SECOND, device=1, status="detaching")),
                (ADDRESS, SECOND),
            ),
            "an interface in another VPC": Node(
                NOT_ITS_ADDRESS,
                with_interfaces(interface(ADDRESS), interface(SECOND, device=1, vpc_id=FOREIGN_VPC)),
                (ADDRESS, SECOND),
            ),
        },
    ),
    "with dns-check=off": (
        {"dns-check": "off"},
        {
            "its private DNS name and primary address": Node(APPROVED),
            "another instance's private DNS name": Node(
                NOT_ITS_NAME, asked=(NODE_NAME, "ip-10-0-1-24.us-west-2.compute.internal")
            ),
        },
    ),
}


@cache
def played(table: str) -> Played:
    settings, nodes = TABLES[table]
    world, rows = fleet(nodes)
    return play(rows, world, settings)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        pytest.param(table, sentence, id=f"{sentence}, {table}")
        for table, (_, nodes) in TABLES.items()
        for sentence in nodes
    ],
)
def test_only_what_ec2_gives_the_instance_may_be_asked_for(table: str, sentence: str) -> None:
    check(played(table).endings[sentence], TABLES[table][1][sentence].ending)


@pytest.mark.parametrize("table", TABLES)
def test_no_instance_troubles_the_function(table: str) -> None:
    assert played(table).troubles == []
