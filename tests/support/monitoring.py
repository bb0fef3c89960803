"""What the template watches: every metric that an alarm or a widget reads, and every query."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.cloudformation import referred, resolved, resources
from tests.support.insights import Query, parse_query

_SOURCE = re.compile(r"\s*SOURCE\s+(?P<groups>[^|]+)\|", re.IGNORECASE)
_SEARCH = re.compile(r"""SEARCH\(\s*'\{(?P<schema>[^}]*)\}(?P<terms>[^']*)'\s*,\s*'(?P<statistic>[^']*)'""")
_TERM = re.compile(r"""(\w+)="([^"]*)\"""")


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric as somebody reads it. A dimension that a search leaves open has the value `*`."""

    where: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm, and the metrics it reads (more than one where it calculates)."""

    name: str
    properties: Mapping[str, Any]
    readings: tuple[Reading, ...]

    def reads(self, name: str, **dimensions: str) -> bool:
        """Whether it reads this metric, with these dimensions at least; references by logical id."""
        return any(
            reading.name == name
            and all(referred(reading.dimensions.get(key, "")) == value for key, value in dimensions.items())
            for reading in self.readings
        )


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query of a widget or a query definition, over log groups by their logical ids."""

    where: str
    groups: frozenset[str]
    query: Query


@cache
def alarms() -> tuple[Alarm, ...]:
    """Every alarm."""
    return tuple(
        Alarm(name, properties, tuple(_alarm_readings(name, properties)))
        for name, properties in ((name, resolved(found)) for name, found in resources("AWS::CloudWatch::Alarm").items())
    )


@cache
def widgets() -> tuple[Mapping[str, Any], ...]:
    """Every widget of the one dashboard."""
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    return tuple(json.loads(resolved(dashboard["DashboardBody"]))["widgets"])


@cache
def widget_readings() -> tuple[Reading, ...]:
    """Every metric on the dashboard."""
    return tuple(reading for widget in widgets() if widget["type"] == "metric" for reading in _widget_readings(widget))


@cache
def widget_queries() -> tuple[SavedQuery, ...]:
    """Every query on the dashboard."""
    return tuple(
        _widget_query(f"widget {_title(widget)}", widget["properties"]["query"])
        for widget in widgets()
        if widget["type"] == "log"
    )


@cache
def query_definitions() -> tuple[SavedQuery, ...]:
    """Every saved query."""
    return tuple(
        SavedQuery(name, frozenset(map(referred, found["LogGroupNames"])), parse_query(found["QueryString"]))
        for name, found in (
            (name, resolved(properties)) for name, properties in resources("AWS::Logs::QueryDefinition").items()
        )
    )


def all_readings() -> tuple[Reading, ...]:
    """Of alarms and dashboard."""
    return (*(reading for alarm in alarms() for reading in alarm.readings), *widget_readings())


def all_queries() -> tuple[SavedQuery, ...]:
    """Of query definitions and dashboard."""
    return (*query_definitions(), *widget_queries())


def _alarm_readings(name: str, properties: Mapping[str, Any]) -> Iterator[Reading]:
    if "MetricName" in properties:
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        yield _reading(name, properties, statistic)
    for query in properties.get("Metrics", []):
        if statistics := query.get("MetricStat"):
            yield _reading(name, statistics["Metric"], statistics["Stat"])


def _reading(where: str, metric: Mapping[str, Any], statistic: str) -> Reading:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    return Reading(where, metric["Namespace"], metric["MetricName"], dimensions, statistic)


def _widget_readings(widget: Mapping[str, Any]) -> Iterator[Reading]:
    """CloudWatch User Guide, "Dashboard body structure and syntax": `.` repeats a cell above, `...` all of them."""
    where, properties = f"widget {_title(widget)}", widget["properties"]
    above: list[str] = []
    for row in properties.get("metrics", []):
        options = row[-1] if isinstance(row[-1], dict) else {}
        cells = row[:-1] if options else row
        if "expression" in options:
            yield from _searched(where, options["expression"])
            continue
        if cells[0] == "...":
            cells = [*above[: len(above) - len(cells) + 1], *cells[1:]]
        above = [above[position] if cell == "." else cell for position, cell in enumerate(cells)]
        namespace, name, *rest = above
        statistic = options.get("stat", properties.get("stat", "Average"))
        yield Reading(where, namespace, name, dict(zip(rest[::2], rest[1::2], strict=True)), statistic)


def _searched(where: str, expression: str) -> Iterator[Reading]:
    for match in _SEARCH.finditer(expression):
        namespace, *dimensions = (part.strip().strip('"') for part in match["schema"].split(","))
        terms = dict(_TERM.findall(match["terms"]))
        values = {dimension: terms.get(dimension, "*") for dimension in dimensions}
        yield Reading(where, namespace, terms["MetricName"], values, match["statistic"])


def _widget_query(where: str, text: str) -> SavedQuery:
    match = _SOURCE.match(text)
    assert match, f"{where}: a query on a dashboard begins with its sources"
    groups = re.split(r"\s*(?:\||,|\bSOURCE\b)\s*", match["groups"].strip())
    rest = text[match.end() :]
    while more := _SOURCE.match(rest):
        groups.append(more["groups"].strip())
        rest = rest[more.end() :]
    return SavedQuery(where, frozenset(referred(group.strip("'\"")) for group in groups if group), parse_query(rest))


def _title(widget: Mapping[str, Any]) -> str:
    return str(widget["properties"].get("title", "without a title"))
