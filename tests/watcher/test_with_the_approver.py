"""The whole way of a request: node, watcher, queue, function, verdict; with both replicas, and messages twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from csr_approver.message import MAX_TROUBLES
from csr_approver_local.system import WATCHER, System
from csr_watcher import watcher as watcher_module
from csr_watcher.api import connect
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher
from tests.support.endings import APPROVED, ending_of
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world
from tests.watcher.harness import wait_until

REQUESTS = 3


def watching(system: System, folder: Path, ordinal: int) -> Watcher:
    path = folder / "kubeconfig"
    path.write_text(json.dumps(system.kubernetes.kubeconfig(WATCHER.username)))
    settings = Settings("demo", system.csr_queue, ordinal=ordinal, listen=Listen("127.0.0.1", 0))
    watcher = Watcher(settings, connect(str(path)), system.sqs, f"csr-watcher-{ordinal}")
    watcher.start()
    return watcher


def pointers(system: System) -> list[str]:
    return [message.body for message in system.aws.messages(system.csr_queue) if '"csr"' in message.body]


def test_two_replicas_and_one_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both send everything, as when the approver is slow; each request is decided once and denied once."""
    monkeypatch.setattr(watcher_module, "_OTHERS_DELAY_SECONDS", 0.0)
    good = [signing_request(age_seconds=100) for _ in range(REQUESTS)]
    bad = [signing_request(NODE_NAME, "kubernetes.default.svc", age_seconds=100) for _ in range(REQUESTS)]
    with System(default_world()) as system:
        for document in (*good, *bad):
            system.cluster.load(document)
        watchers = [watching(system, tmp_path, ordinal) for ordinal in (0, 1)]
        wait_until(lambda: len(pointers(system)) == 4 * REQUESTS)
        system.run()
        wait_until(lambda: all(watcher.ledger.gauges().pending == 0 for watcher in watchers))

        # The last decision about each is that there is nothing left to decide.
        for document in good:
            ending = ending_of(system, document)
            assert (ending.written, ending.records) == ("Approved: NodeVerified", 0)
        for document in bad:
            ending = ending_of(system, document)
            assert (ending.written, ending.records) == ("Denied: ReservedIdentity", 1)
        writes = [target for method, target, _ in system.kubernetes.requests if method == "PUT"]
        assert len(writes) == len(set(writes)) == 2 * REQUESTS
        assert system.dead_letters == 0
        for watcher in watchers:
            watcher.stop()


def test_a_lost_message_heals_itself(tmp_path: Path) -> None:
    """A purged queue; the watcher starts anew, and what is pending is there again."""
    document = signing_request(age_seconds=100)
    with System(default_world()) as system:
        system.cluster.load(document)
        watcher = watching(system, tmp_path, 0)
        wait_until(lambda: pointers(system))
        system.sqs.purge_queue(QueueUrl=system.csr_queue)
        watcher.stop()
        watcher = watching(system, tmp_path, 0)
        wait_until(lambda: pointers(system))
        system.run()
        assert ending_of(system, document) == APPROVED
        watcher.stop()


def test_a_trouble_ends_beside_the_denials(tmp_path: Path) -> None:
    at = "2026-11-25T08:00:00Z"
    document: dict[str, Any] = signing_request(age_seconds=100)
    conditions = [
        {"type": "Approved", "status": "True", "lastTransitionTime": document["metadata"]["creationTimestamp"]},
        {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": "no", "since": at},
    ]
    document["status"] = {"conditions": conditions}
    with System(default_world()) as system:
        system.cluster.load(document)
        watcher = watching(system, tmp_path, 0)
        wait_until(lambda: system.aws.messages(system.csr_queue))
        system.run()
        (trouble,) = system.troubles
        assert (trouble["uid"], trouble["trouble"]) == (document["metadata"]["uid"], "FailedBySigner")
        assert trouble["detail"] == "SignerValidationFailure: no"
        assert trouble["explanation"]
        assert system.denials == []
        watcher.stop()


def test_a_heartbeat_of_as_many_troubles_as_there_may_be_fits_into_a_message(tmp_path: Path) -> None:
    documents = [signing_request(age_seconds=100) for _ in range(MAX_TROUBLES)]
    failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": "é" * 10_000}
    with System(default_world()) as system:
        for document in documents:
            system.cluster.load(document | {"status": {"conditions": [failed]}})
        watcher = watching(system, tmp_path, 0)
        wait_until(lambda: system.aws.messages(system.csr_queue))
        system.run()
        assert len(system.troubles) == MAX_TROUBLES
        watcher.stop()
