"""Many pending requests at once, drained by several execution environments of the approver.

The limit is a bare loop in as many processes, with as many requests to the API server under way, that is handed the
objects and only writes an approval into each. Beside it stands what that loop needs when it reads the objects, too, as
the approver must. All are handed batches over a pipe: SQS and its pollers are in none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.bench.environments import Done, Environment, approver, bare_loop, drain, event, in_batches, started
from tests.bench.site import Site, message, site
from tests.bench.stand_ins import StandIns
from tests.bench.table import Row, Table
from tests.chaos.nodes import Node

REQUESTS, ENVIRONMENTS = 1000, 4
_BATCHES = (10, 100)
_DELAYS_SECONDS = (0.0, 0.005)
# As many as the approver has at once, of one batch (csr_approver.review).
_MOST_IN_FLIGHT = 32
# The goal is 1.5; docs/performance.md says why it is missed. This is to notice what makes it worse.
_MOST_TIMES = 3.5


def measure(requests: int = REQUESTS, environments: int = ENVIRONMENTS) -> Table:
    """Raises AssetsNotFoundError without a real API server."""
    rows: list[Row] = []
    with site() as place, StandIns() as stand_ins, approvers(place, stand_ins, environments) as warm:
        for size in _BATCHES:
            limit, reading = (
                _bare_seconds(place, requests, environments, size, reads=reads) for reads in (False, True)
            )
            for delay in _DELAYS_SECONDS:
                rows += _storm(place, stand_ins, warm, requests, size, delay, limit)
            name, remark = f"batches of {size}, bare, but with a GET", "nothing decided: what two calls a request cost"
            rows.append(Row(f"batch_{size}_bare_get_s", name, reading, "s", remark, limit=limit))
    title = f"a storm of {requests} pending requests, drained by {environments} environments (real API server)"
    return Table(title, rows)


@contextmanager
def approvers(place: Site, stand_ins: StandIns, number: int) -> Iterator[Sequence[Environment]]:
    """Environments that have decided something already."""
    with started([approver(place.environment(stand_ins)) for _ in range(number)]) as environments:
        for each in environments:
            succeeded(each.run(event([message(document) for document in place.ask([Node(0)])])))
        place.clear()
        yield environments


def succeeded(done: Done) -> Done:
    """It, unless something has to come back."""
    if done.error or done.result != {"batchItemFailures": []}:
        raise AssertionError(done)
    return done


def drained(place: Site, environments: Sequence[Environment], requests: int, size: int) -> tuple[float, list[Done]]:
    """Seconds, and what came of each batch; every request must have been approved."""
    bodies = [message(document) for document in place.ask([Node(number) for number in range(requests)])]
    seconds, done = drain(environments, [event(batch) for batch in in_batches(bodies, size)])
    for each in done:
        succeeded(each)
    if (approved := place.approved()) != requests:
        raise AssertionError(f"{approved} of {requests} requests have been approved")
    return seconds, done


def _bare_seconds(place: Site, requests: int, environments: int, size: int, *, reads: bool) -> float:
    cluster, in_flight = place.cluster, min(size, _MOST_IN_FLIGHT)
    loops = [
        bare_loop(cluster.url, cluster.ca_pem, cluster.token("approver"), in_flight, reads=reads)
        for _ in range(environments)
    ]
    with started(loops) as ready:
        # The first batch of each makes its connections.
        for each in ready:
            each.run(place.ask([Node(number) for number in range(in_flight)]))
        documents = place.ask([Node(number) for number in range(requests)])
        seconds, _ = drain(ready, in_batches(documents, size))
    place.clear()
    return seconds


def _storm(
    place: Site,
    stand_ins: StandIns,
    environments: Sequence[Environment],
    requests: int,
    size: int,
    delay_seconds: float,
    limit: float,
) -> Iterator[Row]:
    stand_ins.begin(delay_seconds)
    before = place.calls()
    seconds, done = drained(place, environments, requests, size)
    asked, calls = stand_ins.begin(), place.calls() - before
    place.clear()
    key = f"batch_{size}_dns_{delay_seconds * 1000:.0f}ms"
    name = f"batches of {size}, DNS {'at once' if not delay_seconds else f'after {delay_seconds * 1000:.0f} ms'}"
    cpu = sum(each.cpu_seconds for each in done)
    remark = f"limit: a bare loop of PUTs; {1000 * cpu / requests:.2f} ms of our CPU a request"
    yield Row(f"{key}_s", name, seconds, "s", remark, most=_MOST_TIMES, limit=limit)
    if not delay_seconds:
        yield from _counts(key, done, asked.aws, asked.dns, calls, requests)


def _counts(key: str, done: Sequence[Done], aws: Any, dns: Any, calls: Any, requests: int) -> Iterator[Row]:
    names = {name for name, _ in dns}
    ec2, others = aws.get("DescribeInstances", 0), sum(aws.values()) - aws.get("DescribeInstances", 0)
    pairs = sum(dns.values()) / 2 / len(names)
    kubernetes = (calls["GET"] + calls["PUT approval"]) / requests
    yield Row(f"{key}_ec2", "  EC2 calls a batch", ec2 / len(done), "", f"{others} of IAM and EKS in all", most=1)
    yield Row(f"{key}_dns", "  DNS: A and AAAA, for each name", pairs, "", f"{len(names)} names", most=1.01)
    yield Row(f"{key}_kubernetes", "  Kubernetes calls a request", kubernetes, "", "GET and PUT", most=2)
    peak = max(each.peak_mib for each in done)
    yield Row(f"{key}_peak_mib", "  peak memory of an environment", peak, "MiB", "of 512", most=512)
