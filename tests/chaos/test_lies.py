"""DNS that lies about one name: that node is not approved as long as it does, and nobody else suffers.

An address that is not the instance's disproves the request, so a denial is right. What a denial needs besides is a
minute, in which a lie may pass without any harm (DESIGN 2.5).
"""

from ipaddress import IPv4Address
from pathlib import Path

from csr_approver.policy.reason import Reason
from csr_approver_local.dns_answers import Lie
from tests.chaos.local_stage import LocalStage
from tests.chaos.nodes import Node
from tests.chaos.stage import conditions
from tests.chaos.storm import check, settle
from tests.watcher.harness import wait_until

LIE = Lie(IPv4Address("203.0.113.66"))
NODES = 6


def ask_all(stage: LocalStage) -> Node:
    """Until all are approved but the first, about whom the lie is."""
    victim, *others = stage.nodes
    for node in stage.nodes:
        stage.ask(node)
    wait_until(lambda: all(conditions(request) for node, request in stage.requests() if node in others))
    return victim


def test_a_lie_that_passes_within_a_minute_does_no_harm(tmp_path: Path) -> None:
    nodes = [Node(number, age_seconds=0.0) for number in range(NODES)]
    with LocalStage(nodes, tmp_path, behaviours={nodes[0].name: LIE}) as stage:
        victim = ask_all(stage)
        wait_until(lambda: [line["effect"] for line in stage.system.decisions].count("postponed") > 2)
        assert conditions(dict(stage.requests())[victim]) == []
        stage.system.dns.behaviours.clear()
        settle(stage)
        check(stage)
        assert stage.system.denials == []


def test_a_lie_that_lasts_is_a_denial_and_the_next_request_is_approved(tmp_path: Path) -> None:
    nodes = [Node(number, age_seconds=70.0) for number in range(NODES)]
    with LocalStage(nodes, tmp_path, behaviours={nodes[0].name: LIE}) as stage:
        victim = ask_all(stage)
        wait_until(lambda: conditions(dict(stage.requests())[victim]))
        stage.system.dns.behaviours.clear()
        stage.lied_about = {victim}
        settle(stage)
        check(stage)
        assert [record["reason"] for record in stage.system.denials] == [Reason.NAME_RESOLVES_ELSEWHERE]
