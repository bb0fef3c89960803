"""The benchmarks run, at sizes too small to say anything of speed; no bound on a time is looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import growth, latency, soak, storm
from tests.bench.table import Row, Table
from tests.versions import newest_version

_ENVIRONMENTS = 2


@pytest.mark.parametrize("assets", newest_version())
@pytest.mark.parametrize(
    "measure",
    [
        pytest.param(lambda: storm.measure(20, _ENVIRONMENTS), id="storm"),
        pytest.param(lambda: latency.measure(5), id="latency"),
        pytest.param(lambda: growth.measure((10, 20), _ENVIRONMENTS), id="growth"),
    ],
)
def test_it_measures(assets: Path, measure: Callable[[], Table]) -> None:
    table = measure()
    assert all(row.value > 0 for row in table.rows), table.text()
    counted = {row.key: row for row in table.rows if not row.unit}
    assert [row.complaint for row in counted.values() if row.failed] == []


def test_a_soak_loses_nothing() -> None:
    table = soak.measure(100, real=False)
    assert [row.complaint for row in table.rows if row.failed] == []
    assert {row.name: row.value for row in table.rows}["Approved: NodeVerified"] == 95


def test_a_figure_that_misses_its_bound_says_so() -> None:
    kept, missed = (Row("storm_s", "a storm", 3.0, "s", most=most, limit=2.0) for most in (1.6, 1.4))
    assert not kept.failed
    assert missed.failed
    assert missed.complaint == "a storm: 1.50 times the limit, must be at most 1.4"
    assert missed.document() == {"unit": "s", "value": 3.0, "limit": 2.0, "ratio": 1.5, "most": 1.4}
