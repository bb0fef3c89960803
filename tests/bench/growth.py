"""How time, CPU and memory grow with the number of pending requests: storms of several sizes, in batches of 100.

The limit of each figure is that of the smallest storm: what grows no worse than linearly keeps its cost a request.
"""

from dataclasses import dataclass

from tests.bench.site import site
from tests.bench.stand_ins import StandIns
from tests.bench.storm import ENVIRONMENTS, approvers, drained
from tests.bench.table import Row, Table

SIZES = (100, 1000, 5000)
_BATCH = 100
# What two busy cores may add to a time, or the storms before to a process that is still warming up.
_MOST_TIMES = 1.5


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of a request, but for the memory: that is the most of any environment so far."""

    wall_ms: float
    cpu_ms: float
    peak_mib: float


def measure(sizes: tuple[int, ...] = SIZES, environments: int = ENVIRONMENTS) -> Table:
    """Raises AssetsNotFoundError without a real API server."""
    costs: dict[int, _Cost] = {}
    with site() as place, StandIns() as stand_ins, approvers(place, stand_ins, environments) as warm:
        for size in sizes:
            seconds, done = drained(place, warm, size, _BATCH)
            cpu = sum(each.cpu_seconds for each in done)
            costs[size] = _Cost(1000 * seconds / size, 1000 * cpu / size, max(each.peak_mib for each in done))
            place.clear()
    first = costs[sizes[0]]
    rows = []
    for size, cost in costs.items():
        rows += [
            Row(
                f"wall_{size}_ms",
                f"{size} requests: time a request",
                cost.wall_ms,
                "ms",
                "",
                _MOST_TIMES,
                first.wall_ms,
            ),
            Row(f"cpu_{size}_ms", "  CPU of ours a request", cost.cpu_ms, "ms", "", _MOST_TIMES, first.cpu_ms),
            Row(f"peak_{size}_mib", "  peak memory", cost.peak_mib, "MiB", "", _MOST_TIMES, first.peak_mib),
        ]
    return Table(f"growth with the storm, {environments} environments, batches of {_BATCH} (real API server)", rows)
