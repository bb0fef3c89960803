"""Whatever goes wrong for some seconds: in the end every node that may has its approval, and no other.

`CHAOS_SEEDS=20` plays each case with 20 seeds instead of one.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csr_watcher import deliveries
from tests.chaos.nodes import Node, described
from tests.chaos.stage import Stage
from tests.watcher.harness import wait_until

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "1")))
HONEST, DISHONEST = 40, 10
DISTURBED_SECONDS = 4.0
SECONDS = 60.0
SQS_CALLS = ("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


def api_server_restarts(stage: Stage) -> None:
    for method in ("GET", "PUT"):
        stage.system.kubernetes.refuse_for(0.4, method, "", 503)
    stage.system.kubernetes.disconnect()


def api_server_forgets(stage: Stage) -> None:
    stage.system.kubernetes.forget_history()


def tokens_expire(stage: Stage) -> None:
    for method in ("GET", "PUT"):
        stage.system.kubernetes.refuse_for(0.4, method, "", 401)


def watchers_start_anew(stage: Stage) -> None:
    stage.stop_watchers()
    stage.start_watchers()


def functions_die(stage: Stage) -> None:
    for function in stage.functions:
        function.share = 0.5


def sqs_fails(stage: Stage) -> None:
    for operation in SQS_CALLS:
        stage.system.aws.fail_share(operation, "ServiceUnavailable", 0.5, stage.random.randrange(1000))


def ec2_throttles(stage: Stage) -> None:
    stage.system.aws.fail_share("DescribeInstances", "RequestLimitExceeded", 0.7, stage.random.randrange(1000))


def ec2_forbids(stage: Stage) -> None:
    stage.system.aws.fail_share("DescribeInstances", "UnauthorizedOperation", 1.0, 0)


def ec2_does_not_know_them_yet(stage: Stage) -> None:
    known = stage.random.sample(stage.nodes, len(stage.nodes) // 2)
    document = described(known)
    for instance in document["Reservations"][0]["Instances"]:
        if stage.random.random() < 0.3:
            instance["PrivateDnsName"] = ""
    stage.system.aws.put_instances(document)


def iam_fails(stage: Stage) -> None:
    for operation in ("GetInstanceProfile", "GetRole"):
        stage.system.aws.fail_share(operation, "Throttling", 0.7, stage.random.randrange(1000))


def dns_is_silent(stage: Stage) -> None:
    stage.system.dns.down = True


def calm(stage: Stage) -> None:
    """Everything works again."""
    for function in stage.functions:
        function.share = 0.0
    for operation in (*SQS_CALLS, "DescribeInstances", "GetInstanceProfile", "GetRole"):
        stage.system.aws.fail_share(operation, "none", 0.0, 0)
    stage.system.aws.put_instances(described(stage.nodes))
    stage.system.dns.down = False


DISTURBANCES: list[Callable[[Stage], None]] = [
    api_server_restarts,
    api_server_forgets,
    tokens_expire,
    watchers_start_anew,
    functions_die,
    sqs_fails,
    ec2_throttles,
    ec2_forbids,
    ec2_does_not_know_them_yet,
    iam_fails,
    dns_is_silent,
]


CASES = {each.__name__: [each] for each in DISTURBANCES} | {"all_of_them": DISTURBANCES}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("disturbances", CASES.values(), ids=CASES.keys())
def test_every_honest_node_is_approved_and_no_other(
    disturbances: list[Callable[[Stage], None]], seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the function has given up comes again after 2 s here, not after 60.
    monkeypatch.setattr(deliveries, "RESEND_SECONDS", (2.0,))
    nodes = [Node(number) for number in range(HONEST + DISHONEST)]
    honest = [node.asks() for node in nodes[:HONEST]]
    dishonest = [
        node.asks("kubernetes.default.svc" if node.number % 2 else nodes[0].address) for node in nodes[HONEST:]
    ]
    with Stage(nodes, tmp_path, seed) as stage:
        requests = [*honest, *dishonest]
        stage.random.shuffle(requests)
        for disturb in disturbances:
            disturb(stage)
        ask_while_disturbed(stage, requests, disturbances)
        calm(stage)
        wait_until(lambda: all(stage.conditions(request) for request in requests), SECONDS)
        wait_until(lambda: not pointers_left(stage), SECONDS)

        assert {tuple(stage.conditions(request)) for request in honest} == {("Approved",)}
        assert {tuple(stage.conditions(request)) for request in dishonest} == {("Denied",)}
        denied = {request["metadata"]["uid"] for request in dishonest}
        wait_until(lambda: recorded(stage) >= denied, SECONDS)
        assert recorded(stage) == denied
        assert [line for line in stage.system.log if line["level"] == "ERROR"] == []


def ask_while_disturbed(
    stage: Stage, requests: list[dict[str, Any]], disturbances: list[Callable[[Stage], None]]
) -> None:
    pause = DISTURBED_SECONDS / len(requests)
    for number, request in enumerate(requests):
        stage.system.cluster.load(request)
        time.sleep(pause)
        if number % 10 == 9:
            stage.random.choice(disturbances)(stage)


def recorded(stage: Stage) -> set[str]:
    return {record["uid"] for record in stage.system.denials}


def pointers_left(stage: Stage) -> list[str]:
    return [each.body for each in stage.system.aws.messages(stage.system.csr_queue) if '"csr"' in each.body]
