"""What becomes of the watcher's heartbeat: a log line, gauges, and a record of each request without certificate."""

import time
from collections import Counter
from typing import Any

import pytest

from csr_approver.message import MAX_TROUBLES, Heartbeat, Trouble, heartbeat_message
from csr_approver_local.system import System
from tests.support.delivering import deliver, failed
from tests.support.endings import APPROVED, ending_of, troubles
from tests.support.heartbeats import HEARTBEAT, changed_heartbeat, heartbeat, troubled
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

GAUGES = ("WatcherHeartbeat", "PendingRequests", "OldestPendingSeconds", "NotIssued", "FailedBySigner")


def send(system: System, sent: Heartbeat) -> None:
    system.send(heartbeat_message("demo", sent))


def submitted(system: System) -> dict[str, Any]:
    return system.cluster.stored(system.submit(signing_request())) or {}


def lines(system: System, message: str) -> list[dict[str, Any]]:
    return [line for line in system.log if line["message"] == message]


def test_a_heartbeat_is_told_in_one_line_with_the_watchers_version() -> None:
    with System(default_world()) as system:
        send(system, heartbeat())
        system.run()
        (line,) = lines(system, "heartbeat")
        told = ("cluster", "watcher", "version", "pending", "oldestPendingSeconds", "notIssued", "failedBySigner")
        assert {key: line[key] for key in told} == {key: HEARTBEAT[key] for key in told}
        assert (line["level"], line["troubles"], line["unreadable"]) == ("INFO", 0, 0)
        assert troubles(system) == []


@pytest.mark.parametrize(
    ("sent", "values"),
    [
        pytest.param(heartbeat(), [1, 3, 12.5, 1, 0], id="its figures"),
        pytest.param(Heartbeat("csr-watcher-0", "0.1.0", 0, 0.0, 0, 0), [1, 0, 0, 0, 0], id="zeros"),
    ],
)
def test_a_heartbeat_becomes_gauges_of_the_cluster(sent: Heartbeat, values: list[float]) -> None:
    with System(default_world()) as system:
        send(system, sent)
        system.run()
        (metric,) = system.metrics
        assert [metric[name] for name in GAUGES] == [[value] for value in values]
        (directive,) = metric["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("CsrApprover", [["cluster"]])
        units = {each["Name"]: each["Unit"] for each in directive["Metrics"]}
        assert units == dict.fromkeys(GAUGES, "Count") | {"OldestPendingSeconds": "Seconds"}
        assert metric["cluster"] == "demo"
        assert "csr-watcher-0" not in str(metric)


def test_a_heartbeat_that_was_held_up_does_not_look_fresh() -> None:
    with System(default_world()) as system:
        before = 1000 * time.time()
        send(system, heartbeat(troubled()))
        after = 1000 * time.time()
        time.sleep(0.2)
        system.run()
        (metric,) = system.metrics
        assert int(before) <= metric["_aws"]["Timestamp"] <= after
        assert [record["reportedAt"] for record in system.troubles] == [
            line["sentAt"] for line in lines(system, "heartbeat")
        ]


def test_two_replicas_count_as_two() -> None:
    with System(default_world()) as system:
        send(system, heartbeat(watcher="csr-watcher-0"))
        send(system, heartbeat(watcher="csr-watcher-1"))
        system.run()
        assert sum(sum(metric["WatcherHeartbeat"]) for metric in system.metrics) == 2
        assert {tuple(metric["PendingRequests"]) for metric in system.metrics} == {(3,)}


def test_heartbeats_alone_ask_nobody_for_anything() -> None:
    with System(default_world()) as system:
        send(system, heartbeat())
        send(system, heartbeat(troubled()))
        calls_before = len(system.aws.calls)
        assert failed(deliver(system)) == 0
        operations = {call.operation for call in system.aws.calls[calls_before:]}
        polling = {"GetQueueAttributes", "ReceiveMessage", "DeleteMessageBatch"}
        assert operations - polling == {"SendMessageBatch"}
        assert system.kubernetes.requests == []
        assert system.dns.queries == []
        assert system.decisions == []


def test_requests_among_heartbeats_are_decided() -> None:
    with System(default_world()) as system:
        send(system, heartbeat(troubled()))
        request = submitted(system)
        send(system, heartbeat())
        assert failed(deliver(system)) == 0
        system.run()
        assert ending_of(system, request) == APPROVED
        assert len(lines(system, "heartbeat")) == 2
        assert len(system.troubles) == 1
        assert troubles(system) == []


@pytest.mark.parametrize("trouble", Trouble, ids=str)
def test_a_trouble_is_on_record_for_an_operator(trouble: Trouble) -> None:
    with System(default_world()) as system:
        send(system, heartbeat(troubled(1, trouble, detail="AutoApproved: Auto approving.")))
        system.run()
        (record,) = system.troubles
        assert len(record.pop("explanation")) > 100
        assert record.pop("reportedAt") == lines(system, "heartbeat")[0]["sentAt"]
        assert record == {
            "kind": "trouble",
            "uid": "25b0242c-cfee-4e2b-82d3-000000000001",
            "cluster": "demo",
            "name": "csr-00001",
            "node": NODE_NAME,
            "requester": f"system:node:{NODE_NAME}",
            "trouble": trouble,
            "detail": "AutoApproved: Auto approving.",
            "since": "2026-11-22T08:00:00Z",
            "watcher": "csr-watcher-0",
        }
        assert system.denials == []
        assert troubles(system) == []


@pytest.mark.parametrize(
    ("requester", "node"),
    [
        pytest.param(f"system:node:{NODE_NAME}", NODE_NAME, id="a node"),
        pytest.param("system:nodes:a", None, id="almost a node"),
        pytest.param("arn:aws:iam::111122223333:role/NodeRole", None, id="a role"),
        pytest.param("", None, id="nobody"),
    ],
)
def test_a_troubles_node_is_the_one_in_the_user_name_of(requester: str, node: str | None) -> None:
    with System(default_world()) as system:
        send(system, heartbeat(troubled(requester=requester)))
        system.run()
        assert [(record["node"], record["requester"]) for record in system.troubles] == [(node, requester)]


def test_what_others_wrote_is_on_record_in_printable_characters() -> None:
    with System(default_world()) as system:
        send(system, heartbeat(troubled(detail="\x1b[2J\n\ud800", requester="system:node:\n"), watcher="\n\ud800"))
        system.run()
        (record,) = system.troubles
        assert (record["detail"], record["node"]) == (r"\x1b[2J\n\ud800", r"\n")
        assert record["watcher"] == lines(system, "heartbeat")[0]["watcher"] == r"\n\ud800"
        assert troubles(system) == []


def test_all_troubles_of_a_full_heartbeat_are_recorded_in_few_calls() -> None:
    with System(default_world()) as system:
        send(system, heartbeat(*map(troubled, range(MAX_TROUBLES))))
        system.run()
        assert len({record["uid"] for record in system.troubles}) == MAX_TROUBLES
        assert Counter(call.operation for call in system.aws.calls)["SendMessageBatch"] == MAX_TROUBLES / 10
        assert [line["level"] for line in lines(system, "heartbeat")] == ["INFO"]
        assert troubles(system) == []


def test_what_could_not_be_read_is_a_warning_and_the_rest_is_recorded() -> None:
    with System(default_world()) as system:
        system.send(changed_heartbeat(troubles=["?", *HEARTBEAT["troubles"], {"trouble": "Lost"}]))
        system.run()
        (line,) = lines(system, "heartbeat")
        assert (line["level"], line["troubles"], line["unreadable"]) == ("WARNING", 1, 2)
        assert [record["name"] for record in system.troubles] == ["csr-6plsz"]
        assert len(system.metrics) == 1
        assert troubles(system) == []


def refuse(system: System) -> None:
    system.aws.fail_next("SendMessageBatch", "AccessDenied", times=1)


def take_only_small_messages(system: System) -> None:
    system.sqs.set_queue_attributes(QueueUrl=system.denial_queue, Attributes={"MaximumMessageSize": "1024"})


def take_any_message(system: System) -> None:
    system.sqs.set_queue_attributes(QueueUrl=system.denial_queue, Attributes={"MaximumMessageSize": "1048576"})


def be_slow(system: System) -> None:
    system.aws.delay_next("SendMessageBatch", 2.5)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        pytest.param(refuse, "SendMessageBatch answered AccessDenied", id="refuses"),
        pytest.param(take_only_small_messages, "SQS answered InvalidParameterValue", id="refuses single records"),
        pytest.param(be_slow, "the time for it is over", id="is slow"),
    ],
)
def test_a_heartbeat_comes_back_and_holds_up_no_request_when_the_denial_queue(fault: Any, problem: str) -> None:
    with System(default_world()) as system:
        send(system, heartbeat(*(troubled(number, detail="a" * 512) for number in range(25))))
        request = submitted(system)
        fault(system)
        assert failed(deliver(system)) == 1
        assert [line["error"] for line in lines(system, "troubles not recorded")] == [problem]
        assert ending_of(system, request) == APPROVED
        assert system.aws.fast_forward(system.csr_queue) == pytest.approx(5, abs=1.5)
        take_any_message(system)
        system.run()
        assert len({record["uid"] for record in system.troubles}) == 25
        assert troubles(system) == []


def test_a_heartbeat_whose_troubles_cannot_be_recorded_at_all_is_kept_in_the_dead_letter_queue() -> None:
    with System(default_world()) as system:
        send(system, heartbeat(troubled()))
        system.aws.fail_next("SendMessageBatch", "AccessDenied", times=100)
        for delay in (5, 15, 45, 120):
            assert failed(deliver(system)) == 1
            assert system.aws.fast_forward(system.csr_queue) == pytest.approx(delay, abs=1.5)
        assert failed(deliver(system)) == 1
        system.run()
        assert system.dead_letters == 1
        assert system.troubles == []


def test_a_fault_of_ours_at_a_heartbeat_harms_no_request_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody thought of it")

    monkeypatch.setattr("csr_approver.effects.troubles.trouble_records", fail)
    with System(default_world()) as system:
        send(system, heartbeat())
        request = submitted(system)
        invocation = deliver(system)
        assert invocation.error is None
        assert failed(invocation) == 1
        assert ending_of(system, request) == APPROVED
        assert [line["exception_name"] for line in lines(system, "unexpected error")] == ["RuntimeError"]
