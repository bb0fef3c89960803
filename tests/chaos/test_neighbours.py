"""A node in trouble, or one that makes trouble, is no trouble for the others.

The leading competitor works one request at a time: ten whose names ask a silent DNS server hold up the next one for ten
seconds, and while DNS is down it denies every request.
"""

import time
from collections.abc import Collection
from pathlib import Path

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.dns_answers import Fault
from tests.chaos.local_stage import LocalStage
from tests.chaos.nodes import Flaw, Node
from tests.chaos.stage import conditions
from tests.watcher.harness import wait_until

APPROVED = [("Approved", Reason.NODE_VERIFIED)]
DOWN_SECONDS = 3
# The product's.
DNS_TIMEOUT_SECONDS = 2.0


def ends(stage: LocalStage, nodes: Collection[Node]) -> list[list[tuple[str, str]]]:
    """The decision about each request of these nodes."""
    return [conditions(request) for node, request in stage.requests() if node in nodes]


def seconds_until_approved(stage: LocalStage, nodes: Collection[Node], within: float) -> float:
    began = time.monotonic()
    wait_until(lambda: all(end == APPROVED for end in ends(stage, nodes)), within)
    return time.monotonic() - began


def test_ten_whose_dns_is_silent_delay_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    *silent, honest = nodes = [Node(number) for number in range(11)]
    behaviours = {node.name: Fault.SILENT for node in silent}
    with LocalStage(
        nodes,
        tmp_path,
        processes=True,
        pollers=2,
        dns_timeout_seconds=DNS_TIMEOUT_SECONDS,
        behaviours=behaviours,
    ) as stage:
        for node in nodes:
            stage.ask(node)
        seconds = seconds_until_approved(stage, [honest], 10)
        assert not any(ends(stage, silent))
    with capsys.disabled():
        print(f"\nbehind ten requests whose DNS is silent, an honest one was approved after {seconds:.2f} s")
    assert seconds < DNS_TIMEOUT_SECONDS


def test_while_dns_is_down_nobody_is_denied_and_all_are_approved_afterwards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [Node(number) for number in range(100)]
    with LocalStage(nodes, tmp_path) as stage:
        stage.system.dns.down = True
        for node in nodes:
            stage.ask(node)
        time.sleep(DOWN_SECONDS)
        assert not any(ends(stage, nodes))
        stage.system.dns.down = False
        seconds = seconds_until_approved(stage, nodes, 90)
        assert stage.system.denials == []
    with capsys.disabled():
        print(f"\nwith DNS down for {DOWN_SECONDS} s, 0 of 100 were denied; all were approved {seconds:.2f} s later")


def test_a_flood_delays_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five hundred requests of one node, none of them legitimate, while fifty others boot."""
    honest = [Node(number) for number in range(50)]
    flooder = Node(50, flaw=Flaw(Reason.ADDRESS_NOT_OF_INSTANCE, (honest[0].address,)))
    with LocalStage([*honest, flooder], tmp_path) as stage:
        for _ in range(500):
            stage.ask(flooder)
        for node in honest:
            stage.ask(node)
        seconds = seconds_until_approved(stage, honest, 20)
        assert {end for decided in ends(stage, [flooder]) for end in decided} <= {flooder.ending}
        assert {record["node"] for record in stage.system.denials} <= {flooder.name}
    with capsys.disabled():
        print(f"\nbeside 500 requests of one node, 50 others were approved after {seconds:.2f} s")
