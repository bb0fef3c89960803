"""The costs in the docs are those that tests/costs.py computes, from counts that hold."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests import costs
from tests.support.emitted import APPROVER, DENIALS, Line, emitted

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
FRAMING = 26
"""Bytes that CloudWatch Logs adds to each event (PutLogEvents)."""


@pytest.mark.parametrize("computed", [costs.prices, costs.table])
def test_the_docs_show_what_is_computed(computed: Callable[[], str]) -> None:
    """If it fails: python -m tests.costs prints what belongs there."""
    assert computed() in OPERATIONS


def test_every_metric_is_paid() -> None:
    metrics = [metric for metric in emitted().metrics if "verdict" not in metric.dimensions]
    assert len(metrics) + len(emitted().values("verdict")) == costs.ALL_METRICS


def test_the_gauges_of_a_quiet_cluster_are_paid() -> None:
    (beat, *_) = (line for line in emitted().lines[APPROVER] if "WatcherHeartbeat" in line)
    assert len(beat["_aws"]["CloudWatchMetrics"][0]["Metrics"]) == costs.IDLE_METRICS


def test_a_heartbeat_is_as_long_as_is_paid() -> None:
    lines = [line for line in emitted().lines[APPROVER] if "WatcherHeartbeat" in line or "sentAt" in line]
    assert size(lines[:2]) <= costs.HEARTBEAT_BYTES <= 1.5 * size(lines[:2])


def test_a_decision_is_as_long_as_is_paid() -> None:
    """Of an approval: what is undetermined has more words, and is rarer."""
    first = next(index for index, line in enumerate(emitted().lines[APPROVER]) if line.get("verdict") == "Approve")
    lines = emitted().lines[APPROVER][first : first + 3]
    assert [sorted({"effect", "Decisions", "CreatedToDecidedSeconds"} & line.keys()) for line in lines] == [
        ["effect"],
        ["Decisions"],
        ["CreatedToDecidedSeconds"],
    ]
    assert size(lines) <= costs.REQUEST_BYTES <= 1.5 * size(lines)


def test_a_record_of_a_denial_is_as_long_as_is_paid() -> None:
    lines = [line for line in emitted().lines[DENIALS] if line["kind"] == "denial"]
    assert size(lines) / len(lines) <= costs.RECORD_BYTES <= 1.5 * size(lines) / len(lines)


def size(lines: Iterable[Line]) -> int:
    return sum(len(json.dumps(line, separators=(",", ":"))) + FRAMING for line in lines)
