"""How findings become one verdict, when it may be written, and how a requester's text is shown."""

from datetime import UTC, datetime, timedelta

import pytest

from csr_approver.policy.reason import Outcome, Reason, Source
from csr_approver.policy.verdict import (
    Approve,
    Deny,
    Finding,
    Ignore,
    Undetermined,
    findings_of,
    is_violation,
    listed,
    ordered,
    shown,
    verdict_of,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
VIOLATION = Finding(Reason.NAME_NOT_OF_INSTANCE, "b.example", "is not this instance's")
FORMAL = Finding(Reason.REQUEST_MALFORMED, "spec.request", "is empty")
UNKNOWN = Finding(Reason.DNS_UNAVAILABLE, "a.example", "timed out")


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        pytest.param([], Approve(), id="nothing approves"),
        pytest.param([VIOLATION], Deny((VIOLATION,)), id="a violation denies"),
        pytest.param([UNKNOWN], Undetermined((UNKNOWN,)), id="an unknown leaves the request"),
        pytest.param([UNKNOWN, VIOLATION], Deny((VIOLATION,)), id="a violation counts more than an unknown"),
        pytest.param([VIOLATION, VIOLATION], Deny((VIOLATION,)), id="a finding is told once"),
        pytest.param([FORMAL, VIOLATION], Deny((VIOLATION, FORMAL)), id="findings are sorted by reason"),
    ],
)
def test_findings_become_a_verdict(findings: list[Finding], verdict: object) -> None:
    assert verdict_of(findings) == verdict
    assert verdict_of(findings[::-1]) == verdict


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_only_a_reason_to_deny_is_a_violation(reason: Reason) -> None:
    assert is_violation(Finding(reason, "x", "y")) is (reason.outcome is Outcome.DENY)


def test_findings_are_sorted_by_reason_then_subject_then_detail() -> None:
    findings = [
        Finding(reason, subject, detail)
        for reason in (Reason.OTHER_VPC, Reason.OTHER_ACCOUNT)
        for subject in "ba"
        for detail in "dc"
    ]
    assert ordered(findings) == tuple(sorted(findings, key=lambda f: (f.reason, f.subject, f.detail)))


@pytest.mark.parametrize(
    ("verdict", "findings"),
    [
        (Approve(), ()),
        (Deny((VIOLATION,)), (VIOLATION,)),
        (Undetermined((UNKNOWN,)), (UNKNOWN,)),
        (Ignore(UNKNOWN), (UNKNOWN,)),
    ],
    ids=["an approval has none", "a denial's", "an unknown's", "the one of what is ignored"],
)
def test_every_verdict_says_why(verdict: Approve | Deny | Undetermined | Ignore, findings: tuple[Finding, ...]) -> None:
    assert findings_of(verdict) == findings


@pytest.mark.parametrize("source", [Source.EC2, Source.IAM, Source.DNS], ids=lambda source: source.value)
@pytest.mark.parametrize(
    ("age", "written"),
    [
        pytest.param(None, False, id="of unknown age"),
        pytest.param(-5, False, id="from the future"),
        pytest.param(0, False, id="now"),
        pytest.param(59.9, False, id="just under a minute old"),
        pytest.param(60, True, id="a minute old"),
        pytest.param(86_400, True, id="a day old"),
    ],
)
def test_what_the_world_disproves_waits_for_a_minute(source: Source, age: float | None, written: bool) -> None:
    created_at = None if age is None else NOW - timedelta(seconds=age)
    reasons = [reason for reason in Reason if reason.source is source and reason.outcome is Outcome.DENY]
    assert reasons
    for reason in reasons:
        assert Deny((Finding(reason, "x", "y"),)).may_be_written(created_at, NOW) is written


@pytest.mark.parametrize(
    "findings", [(FORMAL,), (VIOLATION, FORMAL)], ids=["alone", "beside something that the world disproves"]
)
def test_what_the_request_itself_disproves_is_written_at_once(findings: tuple[Finding, ...]) -> None:
    assert Deny(findings).may_be_written(NOW, NOW)
    assert Deny(findings).may_be_written(None, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ip-10-0-1-23", "ip-10-0-1-23", id="plain text"),
        pytest.param("a\nb\x00\x1b[2J", "a\\nb\\x00\\x1b[2J", id="control characters"),
        pytest.param("é\u202e\ud800", "\\xe9\\u202e\\ud800", id="characters beyond ASCII"),
        pytest.param("a" * 80, "a" * 80, id="80 characters"),
        pytest.param("a" * 81, "a" * 77 + "...", id="81 characters"),
        pytest.param("é" * 80, ("\\xe9" * 80)[:77] + "...", id="characters that become longer"),
        pytest.param(None, "None", id="nothing"),
        pytest.param([1, {"a": "b"}], "[1, {'a': 'b'}]", id="something else"),
    ],
)
def test_a_requesters_text_is_shown_as_short_ascii(text: object, expected: str) -> None:
    assert shown(text) == expected


def test_permitted_values_are_listed_in_a_stable_order() -> None:
    assert listed(["b", "a"]) == listed(["a", "b"]) == "a, b"
    assert listed([]) == "none"
