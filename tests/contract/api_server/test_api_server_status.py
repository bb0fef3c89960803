"""PUT /status: what a signer may write."""

import base64
from typing import Any

import pytest

from csr_approver_local.pki import loopback_server_identity
from tests.contract.api_server.clusters import By
from tests.contract.api_server.kubelet_requests import (
    condition,
    decided,
    encoded,
    serving_request,
)

NODE = "a.example"


def issued(csr: dict[str, Any], certificate: bytes) -> dict[str, Any]:
    return csr | {"status": csr["status"] | {"certificate": base64.b64encode(certificate).decode()}}


def test_a_certificate_is_issued_once(by: By, csr: dict[str, Any]) -> None:
    approved = by("approver").put_approval(decided(csr, condition("Approved"))).body
    identity = loopback_server_identity()
    answer = by("signer").put_status(issued(approved, identity.certificate))
    assert answer.status == 200
    assert answer.body["status"]["certificate"] == encoded(identity.certificate)
    assert answer.body["status"]["conditions"] == approved["status"]["conditions"]
    again = by("signer").put_status(issued(answer.body, identity.ca))
    assert again.causes == [("FieldValueForbidden", "status.certificate")]


def test_a_decision_may_be_rewritten_after_the_certificate_is_issued(by: By, csr: dict[str, Any]) -> None:
    approved = by("approver").put_approval(decided(csr, condition("Approved"))).body
    stored = by("signer").put_status(issued(approved, loopback_server_identity().certificate)).body
    answer = by("approver").put_approval(decided(stored, condition("Approved", reason="Other")))
    assert answer.status == 200
    assert answer.body["status"]["conditions"][0]["reason"] == "Other"
    assert answer.body["status"]["certificate"] == stored["status"]["certificate"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"x", id="no PEM"),
        pytest.param(loopback_server_identity().private_key, id="a key"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="no DER"),
    ],
)
def test_what_is_no_certificate_is_not_issued(by: By, csr: dict[str, Any], content: bytes) -> None:
    assert by("signer").put_status(issued(csr, content)).causes == [("FieldValueInvalid", "status.certificate")]


def test_a_signer_reports_failure(by: By, csr: dict[str, Any]) -> None:
    answer = by("signer").put_status(decided(csr, condition("Failed", reason="SignerValidationFailure")))
    assert answer.body["status"]["conditions"][0]["reason"] == "SignerValidationFailure"


@pytest.mark.parametrize("decision", ["Approved", "Denied"])
def test_a_signer_cannot_decide(by: By, csr: dict[str, Any], decision: str) -> None:
    answer = by("signer").put_status(decided(csr, condition(decision)))
    assert answer.causes == [("FieldValueForbidden", "status.conditions")]


def test_a_signer_cannot_rewrite_a_decision(by: By, csr: dict[str, Any]) -> None:
    approved = by("approver").put_approval(decided(csr, condition("Approved"))).body
    sent = decided(approved, condition("Approved", reason="Rewritten"), condition("Failed"))
    kept, failed = by("signer").put_status(sent).body["status"]["conditions"]
    assert [kept] == approved["status"]["conditions"]
    assert failed["type"] == "Failed"


def test_a_signer_signs_for_itself_alone(by: By) -> None:
    other = by("admin").create(serving_request(NODE, signerName="example.com/other")).body
    answer = by("signer").put_status(decided(other, condition("Failed")))
    assert answer.refusal == (403, "Forbidden")
    assert 'user not permitted to sign requests with signerName "example.com/other"' in answer.body["message"]
    assert by("signer").put_status(other).status == 200
