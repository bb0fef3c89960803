"""What a stack costs a month, from counted requests and list prices: `python -m tests.costs` prints what the docs show.

Nothing is rounded in our favour: no free tier, no message shares a call or an invocation with another.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.cloudformation import resolved, resources, template

HOURS = 730
MINUTES = HOURS * 60
DAYS = HOURS / 24


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in us-east-1 in US dollars, without free tier, for so many `units` of a thing."""

    item: str
    dollars: float
    units: float = 1.0

    @property
    def each(self) -> float:
        return self.dollars / self.units


# Where and when these were read stands in the docs.
SQS_REQUEST = Price("SQS: a million requests to a standard queue", 0.40, 1e6)
SQS_GROUP = Price("SQS: more for a million requests about messages with a group (fair queues)", 0.10, 1e6)
LAMBDA_REQUEST = Price("Lambda: a million requests", 0.20, 1e6)
LAMBDA_DURATION = Price("Lambda: a million GB-seconds on arm64", 13.3334, 1e6)
METRIC = Price("CloudWatch: a custom metric a month", 0.30)
ALARM = Price("CloudWatch: an alarm a month, for each metric that it reads", 0.10)
DASHBOARD = Price("CloudWatch: a dashboard a month", 3.00)
LOGS_IN = Price("CloudWatch Logs: a GB taken in", 0.50)
LOGS_KEPT = Price("CloudWatch Logs: a GB kept for a month, compressed", 0.03)
ENDPOINT = Price("PrivateLink: an interface endpoint in one availability zone for an hour", 0.01)
PRICES = (
    SQS_REQUEST,
    SQS_GROUP,
    LAMBDA_REQUEST,
    LAMBDA_DURATION,
    METRIC,
    ALARM,
    DASHBOARD,
    LOGS_IN,
    LOGS_KEPT,
    ENDPOINT,
)

# An event source mapping that has nothing to do: five long polls of 20 s each at a time, for each of the two queues.
POLLERS, POLL_SECONDS, QUEUES = 5, 20, 2
# Two replicas beat once a minute. Each message is sent, received and deleted.
REPLICAS, CALLS_A_MESSAGE = 2, 3
# Bytes in the log: the lines of one invocation as tests/support/emitted.py captures them, with Lambda's own.
HEARTBEAT_BYTES, REQUEST_BYTES, RECORD_BYTES, LAMBDA_BYTES = 1_100, 1_200, 700, 400
# What CloudWatch Logs compresses its archive to (its pricing examples), and for how many months it is kept here.
COMPRESSED, MONTHS_KEPT = 0.15, 3
# Billed milliseconds, assumed: a heartbeat asks nobody; a decision waits for the API server, EC2 and DNS.
HEARTBEAT_SECONDS, REQUEST_SECONDS, RECORD_SECONDS = 0.010, 0.200, 0.050
# Metrics that a quiet cluster has (the watcher's gauges), and all that there can be.
IDLE_METRICS, ALL_METRICS = 5, 15
# A node lives a week, too short to renew, and asks twice when it boots: without, then with its public address.
NODE_DAYS, REQUESTS_A_BOOT = 7, 2
# A kubelet that is denied at once asks every 32 s, for ever (client-go, util/certificate/certificate_manager.go).
DENIED_REQUESTS = HOURS * 3600 / 32
ENDPOINTS = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What happens in a month. `stacks`: over how many clusters it is spread."""

    name: str
    requests: float = 0.0
    stacks: int = 1

    @property
    def idle(self) -> bool:
        return not self.requests


def of_nodes(name: str, nodes: int, stacks: int = 1) -> Load:
    """Nodes that are replaced as assumed above."""
    return Load(name, nodes * REQUESTS_A_BOOT * DAYS / NODE_DAYS, stacks)


LOADS = (
    Load("idle"),
    of_nodes("1,000 nodes", 1_000),
    of_nodes("100,000 nodes, one cluster", 100_000),
    of_nodes("100,000 nodes, 100 clusters", 100_000, stacks=100),
)


def costs(load: Load) -> dict[str, float]:
    """Dollars a month by item."""
    heartbeats = REPLICAS * MINUTES * load.stacks
    messages = heartbeats + load.requests
    polls = QUEUES * POLLERS * 3600 / POLL_SECONDS * HOURS * load.stacks
    gb_seconds = memory_gb("ApproverFunction") * (heartbeats * HEARTBEAT_SECONDS + load.requests * REQUEST_SECONDS)
    log_bytes = heartbeats * (HEARTBEAT_BYTES + LAMBDA_BYTES) + load.requests * (REQUEST_BYTES + LAMBDA_BYTES)
    return {
        "SQS: polling": polls * SQS_REQUEST.each,
        "SQS: heartbeats and requests": messages * CALLS_A_MESSAGE * _message_price(),
        "Lambda": messages * LAMBDA_REQUEST.each + gb_seconds * LAMBDA_DURATION.each,
        "CloudWatch: metrics": (load.stacks * (IDLE_METRICS if load.idle else ALL_METRICS) * METRIC.each),
        "CloudWatch: alarms": load.stacks * alarm_metrics() * ALARM.each,
        "CloudWatch: dashboard": load.stacks * DASHBOARD.each,
        "CloudWatch: logs": _log_price(log_bytes),
    }


def denied_node() -> float:
    """What one node costs that is denied all month."""
    gb_seconds = memory_gb("ApproverFunction") * REQUEST_SECONDS + memory_gb("DenialRecorderFunction") * RECORD_SECONDS
    one = (
        CALLS_A_MESSAGE * (_message_price() + SQS_REQUEST.each)
        + 2 * LAMBDA_REQUEST.each
        + gb_seconds * LAMBDA_DURATION.each
        + _log_price(REQUEST_BYTES + RECORD_BYTES + 2 * LAMBDA_BYTES)
    )
    return DENIED_REQUESTS * one


def endpoints() -> float:
    """What CreateEndpoints costs in one zone."""
    return ENDPOINTS * HOURS * ENDPOINT.each


def alarm_metrics() -> int:
    """An alarm that calculates costs as many as it reads."""
    alarms = resources("AWS::CloudWatch::Alarm").values()
    return sum(sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1 for alarm in alarms)


def memory_gb(function: str) -> float:
    """As the template says."""
    shared = template()["Globals"]["Function"]
    size = resolved({**shared, **resources("AWS::Serverless::Function")[function]}["MemorySize"])
    if isinstance(size, str):
        size = template()["Parameters"][size.strip("${}")]["Default"]
    return int(size) / 1024


def table() -> str:
    """What docs/operations.md shows."""
    by_load = [costs(load) for load in LOADS]
    rows = [(item, *(f"{found[item]:,.2f}" for found in by_load)) for item in by_load[0]]
    rows.append(("**together**", *(f"**{sum(found.values()):,.2f}**" for found in by_load)))
    return "\n".join(
        [
            _row(("US dollars a month", *(load.name for load in LOADS))),
            _row(("---", *("---:" for _ in LOADS))),
            *map(_row, rows),
            "",
            f"Beside that: {ENDPOINTS} interface endpoints (`CreateEndpoints`) cost {endpoints():,.2f} in each zone;",
            f"a node that is denied all month, every 32 s, costs {denied_node():,.2f}.",
        ]
    )


def prices() -> str:
    """The inputs, as the docs show them."""
    rows = [(price.item, f"{price.dollars:.2f}") for price in PRICES]
    return "\n".join([_row(("list price, us-east-1", "US dollars")), _row(("---", "---:")), *map(_row, rows)])


def _message_price() -> float:
    return SQS_REQUEST.each + SQS_GROUP.each


def _log_price(size: float) -> float:
    kept = COMPRESSED * MONTHS_KEPT * LOGS_KEPT.each
    return size / 1e9 * (LOGS_IN.each + kept)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(prices(), table(), sep="\n\n")
