"""A node in trouble, or one that makes trouble, is no trouble for the others.

The leading competitor works one request at a time: ten whose names ask a silent DNS server hold up the next one for ten
seconds, and while DNS is down it denies every request.
"""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.nodes import Node
from tests.chaos.stage import Stage
from tests.watcher.harness import wait_until


def all_are(stage: Stage, requests: list[dict[str, Any]], condition: str) -> bool:
    return all(stage.conditions(request) == [condition] for request in requests)


def test_ten_whose_dns_is_silent_delay_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [Node(number) for number in range(11)]
    with Stage(nodes, tmp_path, silent=nodes[:10]) as stage:
        silent, honest = [node.asks() for node in nodes[:10]], nodes[10].asks()
        for request in (*silent, honest):
            stage.system.cluster.load(request)
        began = time.monotonic()
        wait_until(lambda: stage.conditions(honest))
        seconds = time.monotonic() - began
        assert stage.conditions(honest) == ["Approved"]
        assert not any(stage.conditions(request) for request in silent)
    with capsys.disabled():
        print(f"\nbehind ten requests whose DNS is silent, an honest one was approved after {seconds:.2f} s")
    assert seconds < 2


def test_while_dns_is_down_nobody_is_denied_and_all_are_approved_afterwards(tmp_path: Path) -> None:
    nodes = [Node(number) for number in range(100)]
    requests = [node.asks() for node in nodes]
    with Stage(nodes, tmp_path) as stage:
        stage.system.dns.down = True
        for request in requests:
            stage.system.cluster.load(request)
        time.sleep(5)
        assert not any(stage.conditions(request) for request in requests)
        stage.system.dns.down = False
        wait_until(lambda: all_are(stage, requests, "Approved"), 90)
        assert stage.system.denials == []


def test_a_flood_delays_nobody(tmp_path: Path) -> None:
    """Five hundred requests of one node, while fifty others boot."""
    nodes = [Node(number) for number in range(51)]
    with Stage(nodes, tmp_path) as stage:
        for _ in range(500):
            stage.system.cluster.load(nodes[50].asks())
        honest = [node.asks() for node in nodes[:50]]
        for request in honest:
            stage.system.cluster.load(request)
        wait_until(lambda: all_are(stage, honest, "Approved"), 20)
        assert stage.system.denials == []
