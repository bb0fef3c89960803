"""Alarms, dashboard and saved queries name what the handlers really emit, and none that an operator needs is missing.

No emulator evaluates an alarm or a query. What stands in for it: every metric, dimension and field that the template
names must be among those that were captured from the handlers, or in AWS's own short list below.
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from csr_approver.effects.outcome import Effect
from csr_approver.message import Trouble
from tests.support import monitoring
from tests.support.cloudformation import kind_of, referred, resolved, resources, template
from tests.support.emitted import APPROVER, DENIALS, RECORDER, emitted
from tests.support.insights import SYSTEM_FIELDS
from tests.support.monitoring import Alarm, Reading, SavedQuery

ROOT = Path(__file__).parents[2]
NAMESPACE = "CsrApprover"
VERDICTS = {"Approve", "Deny", "Undetermined", "Ignore"}
GAUGES = {"PendingRequests", "OldestPendingSeconds", "NotIssued", "FailedBySigner"}
"""Each replica of the watcher tells them of the whole cluster: a sum would count everything twice."""
AGES = {"CreatedToDecidedSeconds", "UndeterminedSeconds"}

# Amazon SQS Developer Guide, "Available CloudWatch metrics"; AWS Lambda Developer Guide, "Types of metrics".
AWS_METRICS: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "AWS/SQS": (
        "QueueName",
        "AWS::SQS::Queue",
        frozenset(
            {
                "ApproximateAgeOfOldestMessage",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesVisible",
                "NumberOfEmptyReceives",
                "NumberOfMessagesDeleted",
                "NumberOfMessagesReceived",
                "NumberOfMessagesSent",
                "SentMessageSize",
            }
        ),
    ),
    "AWS/Lambda": (
        "FunctionName",
        "AWS::Serverless::Function",
        frozenset({"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"}),
    ),
}


def environment(function: str) -> Mapping[str, str]:
    """A function's variables, with those of Globals."""
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = resources("AWS::Serverless::Function")[function].get("Environment", {}).get("Variables", {})
    return {name: resolved(value) for name, value in {**shared, **own}.items()}


def id_of(item: Any) -> str:
    match item:
        case Reading():
            return f"{item.where}: {item.name} {item.statistic}"
        case Alarm():
            return item.name
        case SavedQuery():
            return item.where
        case _:
            return str(item)


# The captured side is complete and is what the template's functions emit.


def test_every_message_in_the_code_was_captured() -> None:
    files = [*ROOT.glob("functions/*/app.py"), *ROOT.glob("layers/csr_approver/csr_approver/effects/*.py")]
    said = {
        node.args[0].value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"info", "warning", "error", "exception"}
        and isinstance(node.args[0], ast.Constant)
    }
    assert said == emitted().messages(APPROVER) | emitted().messages(RECORDER)


def test_every_verdict_and_both_kinds_of_records_were_captured() -> None:
    assert emitted().values("verdict") == VERDICTS
    assert {line["kind"] for line in emitted().lines[DENIALS]} == {"denial", "trouble"}


def test_the_functions_speak_of_the_namespace_and_the_cluster_that_are_watched() -> None:
    assert {metric.namespace for metric in emitted().metrics} == {NAMESPACE}
    assert environment("ApproverFunction")["POWERTOOLS_METRICS_NAMESPACE"] == NAMESPACE
    clusters = {
        reading.dimensions["cluster"] for reading in monitoring.all_readings() if "cluster" in reading.dimensions
    }
    assert clusters == {environment("ApproverFunction")["CSR_APPROVER_CLUSTER"]}


@pytest.mark.parametrize(("function", "group"), [("ApproverFunction", APPROVER), ("DenialRecorderFunction", RECORDER)])
def test_a_functions_lines_go_to_the_log_group_that_is_searched(function: str, group: str) -> None:
    shared = template()["Globals"]["Function"].get("LoggingConfig", {})
    logging = resolved({**shared, **resources("AWS::Serverless::Function")[function].get("LoggingConfig", {})})
    assert referred(logging["LogGroup"]) == group


def test_records_go_to_the_denial_log_group() -> None:
    assert referred(environment("DenialRecorderFunction")["DENIAL_LOG_GROUP"]) == DENIALS


# Metrics.


@pytest.mark.parametrize("reading", monitoring.all_readings(), ids=id_of)
def test_a_metric_that_is_read_is_emitted(reading: Reading) -> None:
    if reading.namespace in AWS_METRICS:
        dimension, kind, names = AWS_METRICS[reading.namespace]
        assert reading.name in names
        assert set(reading.dimensions) == {dimension}
        assert kind_of(referred(reading.dimensions[dimension])) == kind
    else:
        known = {(metric.namespace, metric.name, metric.dimensions) for metric in emitted().metrics}
        assert (reading.namespace, reading.name, frozenset(reading.dimensions)) in known
        assert reading.dimensions.get("verdict", "*") in {*VERDICTS, "*"}


@pytest.mark.parametrize("reading", monitoring.all_readings(), ids=id_of)
def test_a_statistic_fits_its_metric(reading: Reading) -> None:
    if reading.name in GAUGES or reading.name.startswith("Approximate"):
        assert reading.statistic == "Maximum"
    elif reading.name in AGES:
        assert reading.statistic == "Maximum" or reading.statistic.startswith("p")
    elif reading.name != "Duration":
        assert reading.statistic in {"Sum", "Maximum"}


@pytest.mark.parametrize("resource", ["AWS::Logs::MetricFilter", "AWS::CloudWatch::CompositeAlarm"])
def test_nothing_else_makes_or_reads_metrics(resource: str) -> None:
    """If it should, this contract has to learn it first."""
    assert not resources(resource)


# Alarms.

REQUIRED_ALARMS: Mapping[str, Callable[[Alarm], bool]] = {
    "a denial": lambda alarm: alarm.reads("Decisions", verdict="Deny"),
    "undetermined for long": lambda alarm: alarm.reads("UndeterminedSeconds"),
    "not issued": lambda alarm: alarm.reads("NotIssued"),
    "failed by the signer": lambda alarm: alarm.reads("FailedBySigner"),
    "a dead letter of the CSR queue": lambda alarm: alarm.reads(
        "ApproximateNumberOfMessagesVisible", QueueName="CsrDeadLetterQueue"
    ),
    "a dead letter of the denial queue": lambda alarm: alarm.reads(
        "ApproximateNumberOfMessagesVisible", QueueName="DenialDeadLetterQueue"
    ),
    "an old message": lambda alarm: alarm.reads("ApproximateAgeOfOldestMessage", QueueName="CsrQueue"),
    "errors of the approver": lambda alarm: alarm.reads("Errors", FunctionName="ApproverFunction"),
    "errors of the recorder": lambda alarm: alarm.reads("Errors", FunctionName="DenialRecorderFunction"),
    "throttles of the approver": lambda alarm: alarm.reads("Throttles", FunctionName="ApproverFunction"),
    "throttles of the recorder": lambda alarm: alarm.reads("Throttles", FunctionName="DenialRecorderFunction"),
    "a missing heartbeat": lambda alarm: alarm.reads("WatcherHeartbeat"),
    "EC2 throttled or access denied": lambda alarm: alarm.reads("SourceUnreadable"),
}


@pytest.mark.parametrize("sentence", REQUIRED_ALARMS)
def test_there_is_an_alarm_for(sentence: str) -> None:
    assert any(map(REQUIRED_ALARMS[sentence], monitoring.alarms()))


def test_a_missing_heartbeat_alarms_after_five_minutes_without_one() -> None:
    (alarm,) = (alarm for alarm in monitoring.alarms() if alarm.reads("WatcherHeartbeat"))
    properties = alarm.properties
    assert properties["TreatMissingData"] == "breaching"
    assert (properties["Period"], properties["EvaluationPeriods"]) == (60, 5)
    assert properties.get("DatapointsToAlarm", 5) == 5
    assert (properties["ComparisonOperator"], properties["Threshold"]) == ("LessThanThreshold", 1)


@pytest.mark.parametrize("alarm", monitoring.alarms(), ids=id_of)
def test_silence_is_good_news_but_for_the_heartbeat(alarm: Alarm) -> None:
    """Metrics that are only there when something happens would else leave their alarm where it was."""
    expected = "breaching" if alarm.reads("WatcherHeartbeat") else "notBreaching"
    assert alarm.properties["TreatMissingData"] == expected


@pytest.mark.parametrize("alarm", monitoring.alarms(), ids=id_of)
def test_an_alarm_says_what_it_means_and_tells_the_topic(alarm: Alarm) -> None:
    assert len(alarm.properties["AlarmDescription"]) > 20
    assert alarm.properties["AlarmActions"]
    assert alarm.readings


# Dashboard.

REQUIRED_READINGS = {
    ("Decisions", "Sum"),
    ("CreatedToDecidedSeconds", "p50"),
    ("CreatedToDecidedSeconds", "p99"),
    ("ApproximateAgeOfOldestMessage", "Maximum"),
    ("PendingRequests", "Maximum"),
    ("NotIssued", "Maximum"),
}


@pytest.mark.parametrize(("name", "statistic"), sorted(REQUIRED_READINGS))
def test_the_dashboard_shows(name: str, statistic: str) -> None:
    assert (name, statistic) in {(reading.name, reading.statistic) for reading in monitoring.widget_readings()}


def test_the_dashboard_shows_decisions_by_every_verdict() -> None:
    shown = {reading.dimensions["verdict"] for reading in monitoring.widget_readings() if reading.name == "Decisions"}
    assert shown in ({"*"}, VERDICTS)


def test_the_dashboard_shows_top_denial_reasons() -> None:
    assert any({DENIALS} == query.groups and "reason" in query.query.groups for query in monitoring.widget_queries())


# Queries.

FIXED_VALUES: Mapping[str, set[str]] = {
    "effect": set(Effect),
    "kind": {"denial", "trouble"},
    "trouble": set(Trouble),
    "verdict": VERDICTS,
}


@pytest.mark.parametrize("query", monitoring.all_queries(), ids=id_of)
def test_a_field_that_is_asked_for_is_logged(query: SavedQuery) -> None:
    logged = set().union(*(emitted().fields(group) for group in query.groups))
    assert query.query.fields <= logged | SYSTEM_FIELDS


@pytest.mark.parametrize("query", monitoring.all_queries(), ids=id_of)
def test_a_value_that_is_asked_for_occurs(query: SavedQuery) -> None:
    messages = set().union(*(emitted().messages(group) for group in query.groups))
    for field, value in query.query.conditions:
        assert value in {**FIXED_VALUES, "message": messages}.get(field, {value})


@pytest.mark.parametrize("query", monitoring.all_queries(), ids=id_of)
def test_what_is_asked_for_together_is_found_together(query: SavedQuery) -> None:
    """At least one captured line has all the fixed values that the query wants at once."""
    wanted = {(field, value) for field, value in query.query.conditions if field in {*FIXED_VALUES, "message"}}
    if not query.query.has_alternatives:
        lines = [line for group in query.groups for line in emitted().lines[group]]
        assert any(all(line.get(field) == value for field, value in wanted) for line in lines)


@pytest.mark.parametrize("query", monitoring.all_queries(), ids=id_of)
def test_a_request_counts_once_however_often_it_is_told(query: SavedQuery) -> None:
    assert not query.query.counts_lines


@pytest.mark.parametrize("query", monitoring.all_queries(), ids=id_of)
def test_a_trouble_is_not_counted_as_a_denial(query: SavedQuery) -> None:
    if query.groups == {DENIALS}:
        assert "kind" in query.query.groups or {"kind"} & {field for field, _ in query.query.conditions}


def counted_by(field: str) -> Callable[[SavedQuery], bool]:
    return lambda query: (
        query.groups == {DENIALS}
        and ("kind", "denial") in query.query.conditions
        and "count_distinct(uid" in query.query.calls
        and field in query.query.groups
    )


def tells_one_story(query: SavedQuery) -> bool:
    """What was decided and what is on record of one request, in the order of time."""
    asked = {field for field, _ in query.query.conditions}
    last = [command for command in query.query.commands if command.name == "sort"]
    return {APPROVER, DENIALS} <= query.groups and "uid" in asked and bool(last) and "@timestamp" in last[-1].reads


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(counted_by("node"), id="denials by node"),
        pytest.param(counted_by("reason"), id="denials by reason"),
        pytest.param(tells_one_story, id="one request's whole story"),
    ],
)
def test_there_is_a_saved_query_for(wanted: Callable[[SavedQuery], bool]) -> None:
    assert any(map(wanted, monitoring.query_definitions()))
