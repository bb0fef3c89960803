"""The reader of Logs Insights queries that the contract of the template rests on."""

import pytest

from tests.support.insights import parse_query

BY_REASON = """
# how often each reason denied
fields @timestamp, uid
| filter kind = "denial" and verdict in ['Deny', 'Approve'] and node like /^ip-.*/
| stats count_distinct(uid) as requests, latest(`findings.0.detail`) as detail by reason, bin(5m)
| sort requests desc
| limit 20
"""


def test_fields_are_those_of_the_events() -> None:
    query = parse_query(BY_REASON)
    assert query.fields == {"@timestamp", "uid", "kind", "verdict", "node", "findings.0.detail", "reason"}
    assert query.groups == {"reason"}
    assert query.calls == {"count_distinct(uid", "latest(findings.0.detail", "bin(5m"}
    assert query.conditions == {("kind", "denial"), ("verdict", "Deny"), ("verdict", "Approve")}
    assert not query.counts_lines


def test_lines_that_are_counted_are_told() -> None:
    assert parse_query("stats count(*) by reason").counts_lines


def test_a_name_that_was_made_is_no_field_of_the_events() -> None:
    assert parse_query("fields concat(name, uid) as key | filter key = 'a' | sort key").fields == {"name", "uid"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("stats count(*) as n by reason | sort node", "did not leave", id="a field after stats"),
        pytest.param("dedup uid | stats count(*)", "only limit may follow", id="stats after dedup"),
        pytest.param("select uid", "unknown command", id="SQL"),
        pytest.param("stats countif(uid)", "unknown functions", id="an invented function"),
        pytest.param("filter a = 'b", "cannot read", id="an open quote"),
        pytest.param("fields uid | | limit 1", "empty", id="an empty step"),
    ],
)
def test_what_nobody_has_checked_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        _ = parse_query(text).fields
