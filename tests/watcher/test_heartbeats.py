"""Once a minute the queue is told how the cluster is; each request that is in trouble by name, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csr_approver.message import Trouble
from csr_approver_local.kubernetes_api import CSRS_PATH
from csr_watcher import __version__, health, pulse
from tests.contract.api_server.clusters import LocalCluster
from tests.support.requests import signing_request
from tests.watcher.harness import Scene, metric, wait_until


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heart that beats each fifth of a second."""
    monkeypatch.setattr(pulse, "_PERIOD_SECONDS", 0.2)


def test_the_first_one_comes_with_the_first_list(scene: Scene) -> None:
    watcher = scene.watch()
    wait_until(scene.heartbeats)
    (heartbeat,) = scene.heartbeats()
    assert (heartbeat.watcher, heartbeat.version) == ("csr-watcher-0", __version__)
    assert (heartbeat.pending, heartbeat.oldest_pending_seconds, heartbeat.troubles) == (0, 0.0, ())
    assert metric(watcher, "heartbeats_total") == 1


def test_what_is_pending_is_told(scene: Scene, quick: None) -> None:
    scene.ask()
    scene.watch()
    wait_until(lambda: any(each.pending == 1 for each in scene.heartbeats()))


def test_both_replicas_beat(scene: Scene) -> None:
    scene.watch()
    scene.watch(ordinal=1)
    wait_until(lambda: scene.heartbeats("csr-watcher-0") and scene.heartbeats("csr-watcher-1"))


def test_a_request_that_the_signer_failed_is_told_once(scene: Scene, quick: None) -> None:
    pointer = scene.ask("broken")
    scene.decide(pointer)
    scene.fail(pointer, reason="SignerValidationFailure", message="usages are wrong")
    scene.watch()
    wait_until(lambda: len(scene.heartbeats()) >= 4)
    assert {each.failed_by_signer for each in scene.heartbeats()} == {1}
    (told,) = [trouble for heartbeat in scene.heartbeats() for trouble in heartbeat.troubles]
    assert told.trouble is Trouble.FAILED_BY_SIGNER
    assert (told.name, told.uid, told.requester) == (pointer.name, pointer.uid, "system:node:broken")
    assert told.detail == "SignerValidationFailure: usages are wrong"


def test_a_request_that_was_approved_but_not_issued_is_told_once(local_scene: Scene, quick: None) -> None:
    """The symptom on EKS. Its twin was approved just now."""
    late, just_now = approved(seconds_ago=70), approved(seconds_ago=5)
    for document in (late, just_now):
        local_cluster(local_scene).load(document)
    local_scene.watch()
    wait_until(lambda: len(local_scene.heartbeats()) >= 4)
    assert {each.not_issued for each in local_scene.heartbeats()} == {1}
    (told,) = [trouble for heartbeat in local_scene.heartbeats() for trouble in heartbeat.troubles]
    assert (told.trouble, told.uid) == (Trouble.NOT_ISSUED, late["metadata"]["uid"])


def test_a_heartbeat_that_was_not_sent_is_told_again(local_scene: Scene, quick: None) -> None:
    local_cluster(local_scene).load(approved(seconds_ago=70))
    local_scene.aws.fail_next("SendMessage", "ServiceUnavailable", times=2)
    watcher = local_scene.watch()
    wait_until(local_scene.heartbeats)
    assert len(local_scene.heartbeats()[0].troubles) == 1
    assert metric(watcher, "heartbeats_total") >= 1


def test_without_the_api_server_the_heart_stands_still(
    local_scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the alarm on missing heartbeats goes off; the figures would be old."""
    monkeypatch.setattr(health, "_CONTACT_SECONDS", 2.0)
    cluster = local_cluster(local_scene)
    watcher = local_scene.watch()
    wait_until(local_scene.heartbeats)
    cluster.refuse_for(4, "GET", CSRS_PATH, 503)
    cluster.disconnect()
    wait_until(lambda: watcher.health.blindness)
    beats = len(local_scene.heartbeats())
    wait_until(lambda: not watcher.health.blindness)
    assert len(local_scene.heartbeats()) <= beats + 1
    # Something has to happen, or this short patience is at its end again.
    wait_until(lambda: [local_scene.ask(), *local_scene.heartbeats()][beats + 2 :])


def test_a_watcher_that_nobody_hears_is_not_ready(local_scene: Scene, quick: None) -> None:
    """Without credentials, or with the URL of another queue: it sees everything, and to no avail."""
    local_scene.aws.fail_next("SendMessage", "AccessDenied", times=1)
    watcher = local_scene.watch()
    wait_until(lambda: metric(watcher, "lists_total"))
    wait_until(lambda: not watcher.health.blindness)
    assert watcher.health.muteness == "SQS has not taken a heartbeat yet"
    wait_until(lambda: not watcher.health.muteness)


def test_a_heart_that_stopped_needs_a_restart(local_scene: Scene) -> None:
    watcher = local_scene.watch()
    wait_until(local_scene.heartbeats)
    watcher._pulse.stop()
    wait_until(lambda: watcher.health.trouble == "ended: heartbeat")


def test_a_queue_that_takes_nothing_any_more_is_noticed(
    local_scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_BEAT_SECONDS", 1.0)
    watcher = local_scene.watch()
    wait_until(lambda: not watcher.health.muteness)
    local_scene.aws.fail_next("SendMessage", "AccessDenied", times=100)
    wait_until(lambda: watcher.health.muteness)
    assert not watcher.health.trouble


def approved(seconds_ago: float) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()
    condition = {"type": "Approved", "status": "True", "lastUpdateTime": at, "lastTransitionTime": at}
    return signing_request(age_seconds=seconds_ago + 10) | {"status": {"conditions": [condition]}}


def local_cluster(scene: Scene) -> LocalCluster:
    assert isinstance(scene.cluster, LocalCluster)
    return scene.cluster
