"""The same on a real API server that is really killed, for what depends on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.chaos.disturbances import Strikes, api_server, aws, dns, functions, rivals, watching
from tests.chaos.nodes import fleet
from tests.chaos.real_stage import RealStage
from tests.chaos.stage import Stage
from tests.chaos.storm import check, rage, repeatable, settle
from tests.chaos.test_chaos import SEEDS
from tests.integration.plane import Plane, start_plane
from tests.versions import newest_version

HONEST, FLAWED = 24, 8
SECONDS, TIMES = 2.0, 3

CASES: dict[str, Sequence[Callable[[Stage], Strikes]]] = {
    "api_server_is_killed": [api_server.api_server_is_killed],
    "watchers_are_killed": [watching.watchers_end],
    "rivals": [rivals.a_rival_approves, rivals.a_rival_takes_notes],
    "everything": [
        api_server.api_server_is_killed,
        watching.watchers_end,
        functions.approver_dies_before_it_writes,
        functions.approver_dies_after_it_wrote,
        functions.messages_come_twice,
        rivals.a_rival_approves,
        rivals.a_rival_takes_notes,
        aws.sqs_fails,
        aws.ec2_throttles,
        aws.ec2_is_behind,
        dns.dns_fails,
    ],
}


@pytest.fixture(scope="module", params=newest_version())
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A cluster of its own, because it is killed."""
    with start_plane(request.param, tmp_path_factory.mktemp("controlplane")) as plane:
        yield plane


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_every_honest_node_is_approved_and_no_other(plane: Plane, name: str, seed: int, tmp_path: Path) -> None:
    # They all ask now.
    nodes = [replace(node, age_seconds=0.0) for node in fleet(HONEST, FLAWED, Random(seed))]
    with repeatable(seed, CASES[name]), RealStage(plane, nodes, tmp_path, seed) as stage:
        rage(stage, CASES[name], SECONDS, TIMES)
        settle(stage)
        check(stage)
