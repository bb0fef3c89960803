"""A fleet of instances, each with a name and an address of its own, and what their kubelets ask for.

Most are honest. The others each have one flaw, of every kind that there is, and ask all the same.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

from csr_approver.policy.reason import Outcome, Reason
from csr_approver_local.world import World
from tests.support.fleet import Change, instance_document, unchanged
from tests.support.requests import ACCOUNT, ADDRESS, NODE_NAME, pem, pkcs10, signing_request
from tests.support.worlds import default_world

# A denial that rests on EC2 waits until the request is a minute old (DESIGN 2.5), by whichever clock.
_FLAWED_AGE_SECONDS = 120.0
_HONEST_AGE_SECONDS = 90.0
# Of the clocks of EC2 and the API server; a minute is allowed for.
_SKEW_SECONDS = 50.0
_EVERY_UNBOUND = 5
_POD_ADDRESS = "10.0.1.99"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a node, and the reason that its request must be denied or ignored for.

    `others` are names and addresses that it asks for besides its own, `change` alters what EC2 says of the instance.
    """

    reason: Reason
    others: tuple[str, ...] = ()
    change: Change = unchanged
    bound: bool = True
    attached_after_seconds: float = 0.0
    id_prefix: str = "i-"


@dataclass(frozen=True, slots=True)
class Node:
    """The `number`-th instance of the fleet, which asked so long before it was made here.

    A node that is not `bound` has no instance id in what the API server says of it, and is known by its name.
    """

    number: int
    age_seconds: float = 70.0
    flaw: Flaw | None = None
    bound: bool = True
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @property
    def instance_id(self) -> str:
        return f"{self.flaw.id_prefix if self.flaw else 'i-'}{self.number:017x}"

    @property
    def address(self) -> str:
        return f"10.0.{2 + self.number // 250}.{1 + self.number % 250}"

    @property
    def name(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.us-west-2.compute.internal"

    @property
    def username(self) -> str:
        return f"system:node:{self.name}"

    @property
    def wanted(self) -> tuple[str, ...]:
        """All that it asks for."""
        return (self.name, self.address, *(self.flaw.others if self.flaw else ()))

    @property
    def ending(self) -> tuple[str, str] | None:
        """Type and reason of the condition that its request must get; None: none."""
        if self.flaw is None:
            return "Approved", Reason.NODE_VERIFIED
        return ("Denied", self.flaw.reason) if self.flaw.reason.outcome is Outcome.DENY else None

    def asks(self) -> dict[str, Any]:
        """Its request as an API server holds it that knows it by its instance role."""
        instance_id = self.instance_id if self.bound else None
        return signing_request(*self.wanted, node_name=self.name, instance_id=instance_id, age_seconds=self.age_seconds)

    def pem(self) -> bytes:
        """What it signs."""
        return pem(pkcs10(*self.wanted, node_name=self.name).der())


_VICTIM = Node(0)


def _gone(document: dict[str, Any]) -> None:
    document["State"] = {"Code": 48, "Name": "terminated"}


def _of_another_cluster(document: dict[str, Any]) -> None:
    document["Tags"] = [{"Key": "eks:cluster-name", "Value": "another"}]


FLAWS = (
    Flaw(Reason.RESERVED_IDENTITY, ("kubernetes.default.svc",)),
    Flaw(Reason.ADDRESS_NOT_OF_INSTANCE, (_VICTIM.address,)),
    Flaw(Reason.NAME_NOT_OF_INSTANCE, (_VICTIM.name,)),
    Flaw(Reason.ADDRESS_NOT_OF_INSTANCE, (_POD_ADDRESS,)),
    Flaw(Reason.INSTANCE_GONE, change=_gone),
    Flaw(Reason.OTHER_CLUSTER, change=_of_another_cluster),
    Flaw(Reason.INSTANCE_YOUNGER_THAN_REQUEST, bound=False, attached_after_seconds=600.0),
    # A hybrid node is somebody else's business: never denied, and never approved.
    Flaw(Reason.NOT_AN_EC2_NODE, id_prefix="mi-"),
)


def fleet(honest: int, flawed: int, random: Random) -> list[Node]:
    """Honest ones, of all ages and some of them unbound, and flawed ones, as many of each flaw, in any order."""
    nodes = [
        Node(number, random.uniform(0, _HONEST_AGE_SECONDS), bound=number % _EVERY_UNBOUND != 0)
        for number in range(honest)
    ]
    numbers = range(honest, honest + flawed)
    nodes += [
        Node(number, _FLAWED_AGE_SECONDS, flaw, flaw.bound) for number, flaw in zip(numbers, cycle(FLAWS), strict=False)
    ]
    random.shuffle(nodes)
    return nodes


def world_of(nodes: Sequence[Node], folder: Path) -> World:
    """The default world, with these instances in EC2 and their names in DNS."""
    zone = folder / "fleet.db"
    lines = "".join(f"{node.name}. A {node.address}\n" for node in nodes)
    zone.write_text(f"$TTL 60\n$ORIGIN us-west-2.compute.internal.\n{lines}")
    return replace(default_world(), instances=described(nodes), zone=type(default_world().zone).load([zone]))


class Known(IntEnum):
    """How much EC2 says of an instance that was started just now."""

    NOTHING = 0
    NO_NAME = 1
    ALL = 2


def described(nodes: Collection[Node], known: Mapping[Node, Known] | None = None) -> dict[str, Any]:
    """What DescribeInstances says of them; without `known`, all."""
    reservation = {"ReservationId": "r-0123456789abcdef0", "OwnerId": ACCOUNT, "Groups": []}
    shown = [(node, known.get(node, Known.ALL) if known else Known.ALL) for node in nodes]
    documents = [_document(node, much) for node, much in shown if much is not Known.NOTHING]
    return {"Reservations": [reservation | {"Instances": documents}]}


def _document(node: Node, known: Known) -> dict[str, Any]:
    text = json.dumps(instance_document(node.instance_id, node.flaw.change if node.flaw else unchanged))
    document: dict[str, Any] = json.loads(text.replace(NODE_NAME, node.name).replace(ADDRESS, node.address))
    if not node.bound:
        late = node.flaw.attached_after_seconds if node.flaw else _SKEW_SECONDS
        attached_at = node.made_at + timedelta(seconds=late - node.age_seconds)
        document["NetworkInterfaces"][0]["Attachment"]["AttachTime"] = attached_at.isoformat()
    if known is Known.NO_NAME:
        document["PrivateDnsName"] = ""
    return document
