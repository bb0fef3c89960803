"""What the watcher reads in a request, and what it cannot name."""

import copy
from typing import Any

import pytest

from csr_approver.message import MalformedMessageError
from csr_watcher.sighting import Stage, read_sighting
from tests.support.requests import signing_request

TIME, LATER = "2026-11-25T08:00:00Z", "2026-11-25T08:00:09Z"


def condition(kind: str, **fields: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "lastUpdateTime": TIME, "lastTransitionTime": TIME, **fields}


def with_status(**status: object) -> dict[str, Any]:
    return signing_request() | {"status": status}


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ({}, Stage.PENDING),
        ({"conditions": []}, Stage.PENDING),
        ({"conditions": [condition("Note")]}, Stage.PENDING),
        ({"conditions": [condition("Approved")]}, Stage.APPROVED),
        ({"conditions": [condition("Denied")]}, Stage.DENIED),
        ({"conditions": [condition("Approved"), condition("Failed")]}, Stage.FAILED),
        ({"conditions": [condition("Failed"), condition("Approved")]}, Stage.FAILED),
        ({"conditions": [condition("Approved")], "certificate": "LS0t"}, Stage.ISSUED),
        ({"conditions": "none"}, Stage.PENDING),
        ({"conditions": [None, {"type": 1}]}, Stage.PENDING),
    ],
)
def test_the_stage(status: dict[str, Any], stage: Stage) -> None:
    assert read_sighting(with_status(**status)).stage is stage


def test_the_requester_and_the_time_of_creation() -> None:
    document = signing_request()
    sighting = read_sighting(document)
    assert sighting.live
    assert sighting.requester == document["spec"]["username"]
    assert sighting.created_at is not None
    assert sighting.created_at.isoformat().replace("+00:00", "Z") == document["metadata"]["creationTimestamp"]


def test_the_words_and_the_time_of_the_stage() -> None:
    failed = condition("Failed", reason="SignerValidationFailure", message="no", lastTransitionTime=LATER)
    sighting = read_sighting(with_status(conditions=[condition("Approved", reason="x"), failed]))
    assert sighting.detail == "SignerValidationFailure: no"
    assert sighting.since is not None
    assert sighting.since.second == 9


@pytest.mark.parametrize("field", ["signerName", "deletionTimestamp"])
def test_not_ours_to_forward(field: str) -> None:
    document = signing_request()
    if field == "signerName":
        document["spec"][field] = "kubernetes.io/kube-apiserver-client"
    else:
        document["metadata"][field] = TIME
    assert not read_sighting(document).live


@pytest.mark.parametrize("field", ["name", "uid"])
@pytest.mark.parametrize("value", [None, "", "white space", 7, "x" * 300])
def test_what_no_pointer_can_name(field: str, value: object) -> None:
    document = copy.deepcopy(signing_request())
    document["metadata"][field] = value
    with pytest.raises(MalformedMessageError, match=field):
        read_sighting(document)


@pytest.mark.parametrize("document", [None, [], "text", 1, {}, {"metadata": None}])
def test_what_is_no_object(document: object) -> None:
    with pytest.raises(MalformedMessageError):
        read_sighting(document)
