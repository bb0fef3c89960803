"""The condition that a decision adds: the object's other parts stay, the message is one short sentence."""

import copy
from datetime import UTC, datetime

import pytest

from csr_approver.effects.approvals import MESSAGE_LIMIT, condition_message, with_condition
from csr_approver.policy.reason import Reason
from csr_approver.policy.verdict import Approve, Deny, Finding
from tests.support.requests import signing_request

NOW = datetime(2026, 11, 22, 8, 0, 0, 999_999, tzinfo=UTC)
FINDING = Finding(Reason.ADDRESS_NOT_OF_INSTANCE, "10.0.1.24", "is not this node's own; permitted: 10.0.1.23")
DENY = Deny((FINDING,))


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        pytest.param([FINDING], "10.0.1.24 is not this node's own; permitted: 10.0.1.23.", id="one"),
        pytest.param([FINDING] * 3, "10.0.1.24 is not this node's own; permitted: 10.0.1.23 (and 2 more).", id="three"),
    ],
)
def test_the_message_is_the_first_finding_as_a_sentence(findings: list[Finding], message: str) -> None:
    assert condition_message(Deny(tuple(findings))) == message


@pytest.mark.parametrize("count", [1, 2, 64, 1000], ids=lambda count: f"of {count} findings")
@pytest.mark.parametrize("length", [1, 100, 200, 253, 10_000], ids=lambda length: f"{length} characters")
def test_the_message_has_at_most_200_characters(count: int, length: int) -> None:
    finding = Finding(Reason.NAME_NOT_OF_INSTANCE, "n" * length, "is not permitted")
    message = condition_message(Deny((finding,) * count))
    assert len(message) <= MESSAGE_LIMIT
    assert message.endswith("." if count == 1 else f" (and {count - 1} more).")
    assert ("..." in message) is (length >= 200)


def test_a_message_is_cut_when_it_is_too_long_and_no_sooner() -> None:
    detail = "is not permitted"
    fitting = "n" * (MESSAGE_LIMIT - len(f" {detail}."))
    whole = condition_message(Deny((Finding(Reason.NAME_NOT_OF_INSTANCE, fitting, detail),)))
    cut = condition_message(Deny((Finding(Reason.NAME_NOT_OF_INSTANCE, fitting + "n", detail),)))
    assert whole == f"{fitting} {detail}."
    assert cut.endswith("is not permi....")
    assert len(whole) == len(cut) == MESSAGE_LIMIT == 200


def test_a_denial_is_added_after_what_is_there() -> None:
    document = signing_request() | {"status": {"conditions": [{"type": "Noted", "status": "True"}]}}
    document["metadata"] |= {"labels": {"a": "b"}, "annotations": {"c": "d"}}
    before = copy.deepcopy(document)
    decided = with_condition(document, DENY, NOW)
    assert document == before
    assert decided.pop("status") == {
        "conditions": [
            {"type": "Noted", "status": "True"},
            {
                "type": "Denied",
                "status": "True",
                "reason": "AddressNotOfInstance",
                "message": "10.0.1.24 is not this node's own; permitted: 10.0.1.23.",
                "lastUpdateTime": "2026-11-22T08:00:00Z",
            },
        ]
    }
    assert decided == {key: value for key, value in before.items() if key != "status"}


@pytest.mark.parametrize("status", [{}, {"status": {}}, {"status": {"conditions": None}}], ids=repr)
def test_an_approval_is_the_first_condition_of_a_pending_request(status: dict[str, object]) -> None:
    document = {key: value for key, value in signing_request().items() if key != "status"} | status
    (condition,) = with_condition(document, Approve(), NOW)["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Approved", "True", "NodeVerified")
    assert len(condition["message"]) <= MESSAGE_LIMIT
