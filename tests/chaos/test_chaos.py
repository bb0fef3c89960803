"""Whatever goes wrong for some seconds: in the end every node that may has its approval, and no other.

`CHAOS_SEEDS=20` plays each case with 20 seeds instead of one.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias

import pytest

from tests.chaos.disturbances import Strikes, api_server, aws, clocks, dns, functions, rivals, watching
from tests.chaos.local_stage import LocalStage
from tests.chaos.nodes import fleet
from tests.chaos.storm import check, rage, repeatable, settle

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "1")))
HONEST, FLAWED = 40, 16
SECONDS = 1.2
TIMES = 5
# Each process that has to start takes a second.
TIMES_OF_PROCESSES = 3

Disturbance: TypeAlias = Callable[[LocalStage], Strikes]

IN_THREADS: list[Disturbance] = [
    clocks.clocks_disagree,
    api_server.api_server_is_killed,
    api_server.api_server_forgets,
    api_server.approver_token_expires,
    api_server.watcher_token_expires,
    watching.watchers_end,
    functions.functions_die_unheard,
    aws.sqs_fails,
    aws.ec2_throttles,
    aws.ec2_forbids,
    aws.ec2_is_silent,
    aws.ec2_is_behind,
    aws.iam_throttles,
    dns.dns_is_silent,
    dns.dns_fails,
    dns.dns_refuses,
    dns.dns_truncates,
    dns.dns_truncates_and_tcp_is_blocked,
    dns.dns_lies,
    rivals.a_rival_approves,
    rivals.a_rival_takes_notes,
]
# With watchers and approver in processes of their own, as far as that makes a difference.
IN_PROCESSES: list[Disturbance] = [
    watching.watchers_end,
    functions.approver_dies_before_it_writes,
    functions.approver_dies_after_it_wrote,
    functions.messages_come_twice,
]
# A watcher that is stopped while SQS fails goes on sending in a thread, which a process takes with it.
EVERYTHING_IN_THREADS = [each for each in IN_THREADS if each is not watching.watchers_end]
# What needs threads is not for processes.
EVERYTHING_IN_PROCESSES = [
    *(each for each in IN_THREADS if each not in (api_server.watcher_token_expires, clocks.clocks_disagree)),
    *(each for each in IN_PROCESSES if each is not watching.watchers_end),
]


def cases(disturbances: Sequence[Disturbance], everything: Sequence[Disturbance]) -> dict[str, Sequence[Disturbance]]:
    return {each.__name__: [each] for each in disturbances} | {"everything": everything}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", cases(IN_THREADS, EVERYTHING_IN_THREADS))
def test_every_honest_node_is_approved_and_no_other(name: str, seed: int, tmp_path: Path) -> None:
    disturbances = cases(IN_THREADS, EVERYTHING_IN_THREADS)[name]
    with repeatable(seed, disturbances), LocalStage(fleet(HONEST, FLAWED, Random(seed)), tmp_path, seed) as stage:
        rage(stage, disturbances, SECONDS, TIMES)
        settle(stage)
        check(stage)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", cases(IN_PROCESSES, EVERYTHING_IN_PROCESSES))
def test_so_it_is_where_processes_are_killed(name: str, seed: int, tmp_path: Path) -> None:
    disturbances = cases(IN_PROCESSES, EVERYTHING_IN_PROCESSES)[name]
    nodes = fleet(HONEST, FLAWED, Random(seed))
    pollers = 2 if functions.messages_come_twice in disturbances else 1
    with repeatable(seed, disturbances), LocalStage(nodes, tmp_path, seed, processes=True, pollers=pollers) as stage:
        rage(stage, disturbances, SECONDS, TIMES_OF_PROCESSES)
        settle(stage)
        check(stage)
        if disturbances[0] in (functions.approver_dies_before_it_writes, functions.approver_dies_after_it_wrote):
            assert stage.approvers.died
