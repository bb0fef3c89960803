"""A fleet of instances, each with a name and an address of its own, and what their kubelets ask for."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from csr_approver_local.world import World
from tests.support.fleet import instance_document
from tests.support.requests import ACCOUNT, ADDRESS, NODE_NAME, signing_request
from tests.support.worlds import default_world

# A denial that rests on EC2 waits until the request is a minute old (DESIGN 2.5).
_OLD_ENOUGH_SECONDS = 70


@dataclass(frozen=True, slots=True)
class Node:
    """The `number`-th instance of the fleet."""

    number: int

    @property
    def instance_id(self) -> str:
        return f"i-{self.number:017x}"

    @property
    def address(self) -> str:
        return f"10.0.{2 + self.number // 250}.{1 + self.number % 250}"

    @property
    def name(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.us-west-2.compute.internal"

    def asks(self, *others: str) -> dict[str, Any]:
        """A request for its own name and address, and for others'."""
        names = (self.name, self.address, *others)
        return signing_request(
            *names, node_name=self.name, instance_id=self.instance_id, age_seconds=_OLD_ENOUGH_SECONDS
        )


def world_of(nodes: Sequence[Node], folder: Path) -> World:
    """The default world, with these instances in EC2 and their names in DNS."""
    zone = folder / "fleet.db"
    lines = "".join(f"{node.name}. A {node.address}\n" for node in nodes)
    zone.write_text(f"$TTL 60\n$ORIGIN us-west-2.compute.internal.\n{lines}")
    return replace(default_world(), instances=described(nodes), zone=type(default_world().zone).load([zone]))


def described(nodes: Sequence[Node]) -> dict[str, Any]:
    """What DescribeInstances knows of them."""
    reservation = {"ReservationId": "r-0123456789abcdef0", "OwnerId": ACCOUNT, "Groups": []}
    return {"Reservations": [reservation | {"Instances": [_document(node) for node in nodes]}]}


def _document(node: Node) -> dict[str, Any]:
    text = json.dumps(copy.deepcopy(instance_document(node.instance_id)))
    document: dict[str, Any] = json.loads(text.replace(NODE_NAME, node.name).replace(ADDRESS, node.address))
    return document
