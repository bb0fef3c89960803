"""Many instances in one world, each the default one with something changed, so that a table is played at once."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from csr_approver_local.world import World
from tests.support.endings import Ending, Row
from tests.support.requests import ACCOUNT, ADDRESS, NODE_NAME, signing_request
from tests.support.worlds import default_world

Change: TypeAlias = Callable[[dict[str, Any]], object]


def unchanged(_: dict[str, Any]) -> None:
    """The default instance."""


@dataclass(frozen=True, slots=True)
class Node:
    """An instance and the request that it makes; `{id}` in a name stands for its instance id.

    `ending` is how the request must end, `change` alters the instance's document in place.
    """

    ending: Ending
    change: Change = unchanged
    asked: tuple[str, ...] = (NODE_NAME, ADDRESS)
    node_name: str = NODE_NAME
    account: str = ACCOUNT


def instance_document(instance_id: str, change: Change = unchanged) -> dict[str, Any]:
    """The default world's first instance under another id, then changed."""
    document: dict[str, Any] = copy.deepcopy(default_world().instances["Reservations"][0]["Instances"][0])
    document["InstanceId"] = instance_id
    change(document)
    return document


def world_of(*reservations: tuple[str, dict[str, Any]], world: World | None = None) -> World:
    """A world (or the default one) with these instances only, each with the account that owns it."""
    listed = [
        {"ReservationId": f"r-{number:017x}", "OwnerId": account, "Groups": [], "Instances": [document]}
        for number, (account, document) in enumerate(reservations)
    ]
    return replace(world or default_world(), instances={"Reservations": listed})


def fleet(nodes: Mapping[str, Node], world: World | None = None) -> tuple[World, dict[str, Row]]:
    """What tests.support.endings.play plays: all the instances, and each one's request."""
    ids = {sentence: f"i-{number:017x}" for number, sentence in enumerate(nodes)}
    documents = ((node.account, instance_document(ids[sentence], node.change)) for sentence, node in nodes.items())
    return world_of(*documents, world=world), {
        sentence: (partial(_request, node, ids[sentence]), node.ending) for sentence, node in nodes.items()
    }


def _request(node: Node, instance_id: str) -> dict[str, Any]:
    asked = [name.format(id=instance_id) for name in node.asked]
    return signing_request(*asked, node_name=node.node_name.format(id=instance_id), instance_id=instance_id)
