"""What is pending in the cluster comes to the queue, whatever becomes of SQS and of other watchers."""

import time
from typing import Any

import pytest

from csr_watcher import watcher as watcher_module
from csr_watcher.sender import group_id
from tests.watcher.harness import Scene, metric, wait_until


def test_a_request_from_before_the_start_is_sent(scene: Scene) -> None:
    pointer = scene.ask()
    scene.watch()
    scene.await_pointers([pointer])


def test_a_new_request_is_sent_at_once_and_once(scene: Scene) -> None:
    watcher = scene.watch()
    wait_until(lambda: metric(watcher, "lists_total"))
    pointers = [scene.ask() for _ in range(5)]
    scene.await_pointers(pointers, seconds=2)
    assert set(scene.pointers().values()) == {1}


def test_requests_of_other_signers_are_not_ours(scene: Scene) -> None:
    answer = scene.ask_for_client_certificate()
    assert answer.status == 201
    pointer = scene.ask()
    watcher = scene.watch()
    scene.await_pointers([pointer])
    assert set(scene.pointers()) == {pointer}
    assert watcher.ledger.gauges().pending == 1


def test_messages_of_one_requester_are_one_group(scene: Scene) -> None:
    """So that a fair queue can tell the noisy node from the rest."""
    pointers = [scene.ask("noisy"), scene.ask("noisy"), scene.ask("quiet")]
    scene.watch()
    scene.await_pointers(pointers)
    groups = [message.group_id for message in scene.messages() if '"csr"' in message.body]
    assert sorted(groups.count(group) for group in set(groups)) == [1, 2]


@pytest.mark.parametrize("requester", ["system:node:a", "", "x" * 10_000, "a user name, with spaces", "\udcff", "é"])
def test_any_user_name_gives_a_group_that_sqs_takes(local_scene: Scene, requester: str) -> None:
    local_scene.sqs.send_message(QueueUrl=local_scene.queue_url, MessageBody="x", MessageGroupId=group_id(requester))


class TestSqsFails:
    """SQS as the local AWS plays it."""

    @pytest.mark.parametrize("code", ["ServiceUnavailable", "RequestThrottled", "AccessDenied", "QueueDoesNotExist"])
    def test_a_refused_batch_stays_owed(self, local_scene: Scene, code: str) -> None:
        local_scene.aws.fail_next("SendMessageBatch", code, times=3)
        pointers = [local_scene.ask() for _ in range(3)]
        watcher = local_scene.watch()
        local_scene.await_pointers(pointers)
        assert set(local_scene.pointers().values()) == {1}
        assert metric(watcher, "send_failures_total") >= 3

    def test_what_a_batch_left_out_is_sent_alone(self, local_scene: Scene) -> None:
        local_scene.aws.fail_share("SendMessageBatchRequestEntry", "InternalError", 0.5, seed=1)
        pointers = [local_scene.ask() for _ in range(40)]
        watcher = local_scene.watch()
        local_scene.await_pointers(pointers)
        assert set(local_scene.pointers().values()) == {1}
        assert metric(watcher, "send_failures_total") > 0

    def test_a_queue_that_does_not_answer_costs_a_copy_at_most(self, local_scene: Scene) -> None:
        """The call ends without an answer, but the message is there: it has to be sent again."""
        local_scene.aws.delay_next("SendMessageBatch", 3)
        pointer = local_scene.ask()
        local_scene.watch(read_timeout=1)
        wait_until(lambda: local_scene.pointers()[pointer] == 2)

    def test_one_that_hangs_does_not_hold_up_the_others(self, local_scene: Scene) -> None:
        watcher = local_scene.watch()
        wait_until(lambda: metric(watcher, "lists_total"))
        local_scene.aws.delay_next("SendMessageBatch", 3)
        local_scene.ask()
        wait_until(lambda: any(call.operation == "SendMessageBatch" for call in local_scene.aws.calls))
        began = time.monotonic()
        pointer = local_scene.ask()
        local_scene.await_pointers([pointer])
        assert time.monotonic() - began < 2


class TestFlood:
    """A node that asks for ever more certificates."""

    def test_costs_the_others_nothing_and_its_newest_is_sent(self, local_scene: Scene) -> None:
        watcher = local_scene.watch(refill_seconds=1)
        wait_until(lambda: metric(watcher, "lists_total"))
        flood = [local_scene.ask("noisy") for _ in range(60)]
        honest = [local_scene.ask() for _ in range(20)]
        local_scene.await_pointers([*honest, flood[-1]], seconds=5)
        assert metric(watcher, "superseded_total") >= 40
        assert sum(local_scene.pointers()[pointer] for pointer in flood) < 20


class TestTwoReplicas:
    """Both active."""

    def test_the_second_sends_nothing_that_was_decided_in_time(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watcher_module, "_OTHERS_DELAY_SECONDS", 1.0)
        second = scene.watch(ordinal=1)
        wait_until(lambda: metric(second, "lists_total"))
        decided, left = scene.ask(), scene.ask()
        scene.decide(decided)
        scene.await_pointers([left])
        assert set(scene.pointers()) == {left}

    def test_without_the_first_the_second_sends(self, scene: Scene) -> None:
        first, second = scene.watch(), scene.watch(ordinal=1)
        wait_until(lambda: metric(first, "lists_total") and metric(second, "lists_total"))
        scene.stop(first)
        asked = time.monotonic()
        pointer = scene.ask()
        scene.await_pointers([pointer])
        assert 4.5 < time.monotonic() - asked < 7


class TestForwardApproved:
    """For a stack that only observes, on a cluster whose own controller approves."""

    def test_what_is_approved_already_is_sent_once(self, scene: Scene) -> None:
        approved, denied = scene.ask(), scene.ask()
        scene.decide(approved)
        scene.decide(denied, "Denied")
        scene.watch(forward_approved=True)
        scene.await_pointers([approved])
        assert scene.pointers() == {approved: 1}

    def test_what_is_approved_after_it_was_sent_is_not_sent_again(self, scene: Scene) -> None:
        watcher = scene.watch(forward_approved=True)
        pointer = scene.ask()
        scene.await_pointers([pointer])
        scene.decide(pointer)
        wait_until(lambda: watcher.ledger.gauges().pending == 0)
        assert scene.pointers() == {pointer: 1}

    @pytest.mark.parametrize("settings", [{"forward_approved": False}, {"forward_approved": True, "ordinal": 1}])
    def test_else_it_is_not_sent(self, scene: Scene, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watcher_module, "_OTHERS_DELAY_SECONDS", 0.0)
        approved = scene.ask()
        scene.decide(approved)
        scene.watch(**settings)
        pending = scene.ask()
        scene.await_pointers([pending])
        assert set(scene.pointers()) == {pending}
