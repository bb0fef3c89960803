"""PUT /approval: what decisions are stored, and which are refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from csr_approver_local.pki import loopback_server_identity
from tests.api_client import CSRS
from tests.contract.api_server.clusters import By
from tests.contract.api_server.kubelet_requests import (
    condition,
    decided,
    encoded,
    serving_request,
    version,
    without,
)

NODE = "a.example"


@pytest.mark.parametrize("decision", ["Approved", "Denied"])
def test_a_decision_is_stored_with_its_times(by: By, csr: dict[str, Any], decision: str) -> None:
    answer = by("approver").put_approval(decided(csr, condition(decision)))
    assert answer.status == 200
    assert version(answer.body) > version(csr)
    stored = by("approver").get(csr["metadata"]["name"]).body
    assert stored == answer.body
    [only] = stored["status"]["conditions"]
    assert only.items() >= condition(decision).items()
    assert only["lastUpdateTime"] == only["lastTransitionTime"]
    assert only["lastUpdateTime"].endswith("Z")


def test_a_time_sent_loses_its_fraction_and_its_zone(by: By, csr: dict[str, Any]) -> None:
    sent = condition("Approved", lastUpdateTime="2026-01-01T01:30:00.25+01:30")
    answer = by("approver").put_approval(decided(csr, sent))
    assert answer.body["status"]["conditions"][0]["lastUpdateTime"] == "2026-01-01T00:00:00Z"


def test_a_decision_on_a_stale_version_is_a_conflict(by: By, csr: dict[str, Any]) -> None:
    assert by("admin").put_approval(decided(csr, condition("Other"))).status == 200
    assert by("approver").put_approval(decided(csr, condition("Approved"))).refusal == (409, "Conflict")


@pytest.mark.parametrize("sent", [None, "0"], ids=["without a version", "version 0"])
def test_a_decision_may_be_unconditional(by: By, csr: dict[str, Any], sent: str | None) -> None:
    by("admin").put_approval(decided(csr, condition("Other")))
    unconditional = without(csr, "resourceVersion")
    if sent is not None:
        unconditional["metadata"]["resourceVersion"] = sent
    assert by("approver").put_approval(decided(unconditional, condition("Approved"))).status == 200


def test_the_uid_protects_a_request_recreated_under_the_same_name(by: By, csr: dict[str, Any]) -> None:
    name = csr["metadata"]["name"]
    by("admin").delete(name)
    recreated = by("node-a").create(serving_request(NODE) | {"metadata": {"name": name}}).body
    old = decided(without(csr, "resourceVersion"), condition("Approved"))
    assert by("approver").put_approval(old).refusal == (409, "Conflict")
    new = decided(without(recreated, "resourceVersion"), condition("Approved"))
    assert by("approver").put_approval(new).status == 200


def test_a_decision_on_a_deleted_request_finds_nothing(by: By, csr: dict[str, Any]) -> None:
    by("admin").delete(csr["metadata"]["name"])
    # 1.31 answers 409, because the uid is not that of nothing.
    assert by("approver").put_approval(decided(csr, condition("Approved"))).status in (404, 409)


def test_of_many_decisions_on_one_version_one_is_stored(by: By, csr: dict[str, Any]) -> None:
    approver = by("approver")
    rivals = [decided(csr, condition("Approved", reason=f"Rival{number}")) for number in range(100)]
    with ThreadPoolExecutor(20) as pool:
        answers = [answer.status for answer in pool.map(approver.put_approval, rivals)]
    assert sorted(answers) == [200] + 99 * [409]


STATUS = "status.conditions[0].status"


@pytest.mark.parametrize(
    ("conditions", "cause"),
    [
        pytest.param([condition("Approved", status="False")], ("FieldValueNotSupported", STATUS), id="status False"),
        pytest.param([condition("Denied", status="Unknown")], ("FieldValueNotSupported", STATUS), id="status Unknown"),
        pytest.param([condition("Approved", status="")], ("FieldValueRequired", STATUS), id="status empty"),
        pytest.param([{"type": "Approved"}], ("FieldValueRequired", STATUS), id="status missing"),
        pytest.param([condition("Custom", status="No")], ("FieldValueNotSupported", STATUS), id="status unknown"),
        pytest.param([condition("")], ("FieldValueRequired", "status.conditions[0].type"), id="type empty"),
        pytest.param(
            [condition("Approved"), condition("Approved", reason="Other")],
            ("FieldValueDuplicate", "status.conditions[1].type"),
            id="type twice",
        ),
    ],
)
def test_an_invalid_condition_is_refused(
    by: By, csr: dict[str, Any], conditions: list[dict[str, str]], cause: tuple[str, str]
) -> None:
    assert by("approver").put_approval(decided(csr, *conditions)).causes == [cause]


@pytest.mark.parametrize("first", ["Approved", "Denied"])
def test_approved_and_denied_exclude_each_other(by: By, csr: dict[str, Any], first: str) -> None:
    second = {"Approved": "Denied", "Denied": "Approved"}[first]
    stored = by("approver").put_approval(decided(csr, condition(first))).body
    both = decided(stored, *stored["status"]["conditions"], condition(second))
    answer = by("approver").put_approval(both)
    # The path differs between versions.
    assert [reason for reason, _ in answer.causes] == ["FieldValueInvalid"]
    assert "Approved and Denied conditions are mutually exclusive" in answer.body["message"]


@pytest.mark.parametrize("kind", ["Approved", "Denied"])
def test_a_decision_is_there_once(by: By, csr: dict[str, Any], kind: str) -> None:
    stored = by("approver").put_approval(decided(csr, condition(kind))).body
    twice = decided(stored, *stored["status"]["conditions"], condition(kind, reason="Again"))
    assert by("approver").put_approval(twice).causes == [("FieldValueDuplicate", "status.conditions[1].type")]


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (kind, others)
        for kind in ("Approved", "Denied", "Failed")
        for others in ([], ["Custom"], ["Approved"], ["Denied"])
        if others != [kind]
    ],
)
def test_a_decision_cannot_be_taken_back(by: By, csr: dict[str, Any], kind: str, others: list[str]) -> None:
    stored = by("approver").put_approval(decided(csr, condition(kind))).body
    answer = by("approver").put_approval(decided(stored, *map(condition, others)))
    assert answer.causes == [("FieldValueForbidden", "status.conditions")]
    assert f'updates may not remove a condition of type "{kind}"' in answer.body["message"]


def test_a_condition_of_another_type_may_be_false_and_may_go(by: By, csr: dict[str, Any]) -> None:
    stored = by("approver").put_approval(decided(csr, condition("Custom", status="False"))).body
    assert by("approver").put_approval(decided(stored)).body["status"] == {}


def test_a_reason_and_a_message_may_be_missing(by: By, csr: dict[str, Any]) -> None:
    answer = by("approver").put_approval(decided(csr, {"type": "Approved", "status": "True"}))
    assert answer.status == 200
    assert answer.body["status"]["conditions"][0].keys() == {"type", "status", "lastUpdateTime", "lastTransitionTime"}


@pytest.mark.parametrize("words", [{"reason": "Two words"}, {"message": 200_000 * "x"}], ids=["reason", "message"])
def test_a_reason_and_a_message_may_be_anything(by: By, csr: dict[str, Any], words: dict[str, str]) -> None:
    answer = by("approver").put_approval(decided(csr, condition("Approved", **words)))
    assert answer.status == 200
    assert answer.body["status"]["conditions"][0].items() >= words.items()


def test_an_empty_reason_is_none(by: By, csr: dict[str, Any]) -> None:
    answer = by("approver").put_approval(decided(csr, condition("Approved", reason="")))
    assert answer.status == 200
    assert "reason" not in answer.body["status"]["conditions"][0]


def test_a_decision_may_be_rewritten_and_keeps_its_transition_time(by: By, csr: dict[str, Any]) -> None:
    past = "2026-01-01T00:00:00Z"
    first = condition("Approved", lastTransitionTime=past, lastUpdateTime=past)
    by("approver").put_approval(decided(csr, first))
    rewritten = decided(without(csr, "resourceVersion"), condition("Approved", reason="Other"))
    [only] = by("approver").put_approval(rewritten).body["status"]["conditions"]
    assert only["reason"] == "Other"
    assert only["lastTransitionTime"] == past
    assert only["lastUpdateTime"] != past


def test_an_identical_decision_writes_nothing(by: By, csr: dict[str, Any]) -> None:
    stored = by("approver").put_approval(decided(csr, condition("Approved"))).body
    assert by("approver").put_approval(stored) == (200, stored)
    assert by("approver").put_approval(without(stored, "resourceVersion")) == (200, stored)


def test_a_decision_changes_conditions_labels_and_annotations_and_nothing_else(by: By, csr: dict[str, Any]) -> None:
    sent = decided(csr, condition("Approved"))
    sent["spec"] = csr["spec"] | {"username": "admin", "usages": ["any"], "signerName": "example.com/other"}
    sent["status"]["certificate"] = encoded(loopback_server_identity().certificate)
    sent["metadata"] = csr["metadata"] | {
        "labels": {"saved": "yes"},
        "annotations": {"saved": "too"},
        "creationTimestamp": "2020-01-01T00:00:00Z",
    }
    answer = by("approver").put_approval(sent)
    assert answer.status == 200
    assert answer.body["spec"] == csr["spec"]
    assert answer.body["status"].keys() == {"conditions"}
    assert answer.body["metadata"]["labels"] == {"saved": "yes"}
    assert answer.body["metadata"]["annotations"] == {"saved": "too"}
    assert answer.body["metadata"]["creationTimestamp"] == csr["metadata"]["creationTimestamp"]


@pytest.mark.parametrize(
    ("role", "signer", "permitted"),
    [
        pytest.param("approver", "kubernetes.io/kubelet-serving", True, id="its own signer"),
        pytest.param("approver", "kubernetes.io/kube-apiserver-client", False, id="another signer"),
        pytest.param("approver-of-nothing", "kubernetes.io/kubelet-serving", False, id="no signer"),
        pytest.param("domain-approver", "kubernetes.io/kube-apiserver-client", True, id="any of the domain"),
        pytest.param("domain-approver", "example.com/own", False, id="another domain"),
    ],
)
@pytest.mark.parametrize("query", [{}, {"dryRun": "All"}], ids=["for good", "dry run"])
@pytest.mark.parametrize("decision", ["Approved", "Denied"])
def test_a_decision_needs_the_approve_right_for_the_signer(
    *, by: By, role: str, signer: str, permitted: bool, query: dict[str, str], decision: str
) -> None:
    csr = by("admin").create(serving_request(NODE, signerName=signer)).body
    answer = by(role).put_approval(decided(csr, condition(decision)), **query)
    if permitted:
        assert answer.status == 200
    else:
        assert answer.refusal == (403, "Forbidden")
        assert f'user not permitted to approve requests with signerName "{signer}"' in answer.body["message"]


def test_a_dry_run_shows_the_decision_and_stores_nothing(by: By, csr: dict[str, Any]) -> None:
    answer = by("approver").put_approval(decided(csr, condition("Approved")), dryRun="All")
    assert answer.body["status"]["conditions"][0]["type"] == "Approved"
    assert by("approver").get(csr["metadata"]["name"]) == (200, csr)
    assert by("approver").put_approval(csr, dryRun="Some").refusal == (422, "Invalid")


def test_a_conflict_comes_before_invalid_and_invalid_before_the_right_for_the_signer(
    by: By, csr: dict[str, Any]
) -> None:
    powerless, invalid = by("approver-of-nothing"), condition("Approved", status="False")
    stale = csr | {"metadata": csr["metadata"] | {"resourceVersion": "1"}}
    assert powerless.put_approval(decided(stale, invalid)).status == 409
    assert powerless.put_approval(decided(csr, invalid)).status == 422
    assert powerless.put_approval(csr).status == 403


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"metadata": {"name": "other"}}, id="another name than in the path"),
        pytest.param({"metadata": {}}, id="no name"),
        pytest.param({"metadata": {"name": "x", "resourceVersion": 1}}, id="a number for a version"),
        pytest.param(decided({}, condition("Approved", lastUpdateTime="yesterday")), id="no time"),
        pytest.param({"status": {"conditions": [{"type": "Approved", "reason": 1}]}}, id="a number for a reason"),
    ],
)
def test_a_decision_that_cannot_be_decoded_is_a_bad_request(
    by: By, csr: dict[str, Any], change: dict[str, Any]
) -> None:
    answer = by("approver").call("PUT", f"{CSRS}/{csr['metadata']['name']}/approval", csr | change)
    assert answer.refusal == (400, "BadRequest")
