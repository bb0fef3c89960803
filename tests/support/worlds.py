"""What a request plays against: events/world, with one thing changed."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from csr_approver_local.world import World
from tests.support.requests import INSTANCE_ID

WORLD_FOLDER = Path(__file__).parents[2] / "events" / "world"


@cache
def default_world() -> World:
    """The world in which tests.support.requests.signing_request() is approved; read-only."""
    return World.load([WORLD_FOLDER])


def with_instance(change: Callable[[dict[str, Any]], object], instance_id: str = INSTANCE_ID) -> World:
    """The default world with one instance's document changed in place."""
    document = copy.deepcopy(dict(default_world().instances))
    for reservation in document["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["InstanceId"] == instance_id:
                change(instance)
    return replace(default_world(), instances=document)


def with_document(name: str, change: Callable[[dict[str, Any]], None]) -> World:
    """The default world with `cluster`, `instances`, `instance_profiles` or `roles` changed in place."""
    document = copy.deepcopy(dict(getattr(default_world(), name)))
    change(document)
    return replace(default_world(), **{name: document})  # type: ignore[arg-type]


def with_zone(text: str, folder: Path) -> World:
    """The default world with this master file for its only zone."""
    path = folder / "zone.db"
    path.write_text(text)
    return replace(default_world(), zone=type(default_world().zone).load([path]))
