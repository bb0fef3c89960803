"""docs/operations.md speaks of the alarms and parameters that the template has, of all of them, and of no other."""

import re
from pathlib import Path

import pytest

from tests.support import monitoring
from tests.support.cloudformation import kind_of, template
from tests.support.emitted import APPROVER, DENIALS, emitted
from tests.support.insights import SYSTEM_FIELDS, parse_query

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()


def chapter(title: str, document: str = OPERATIONS) -> str:
    return re.split(r"^## ", document.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def settings() -> set[str]:
    """In the template's spelling."""
    rows = re.findall(r"^\| (`[^|]*) \|", chapter("Settings", (DOCS / "architecture.md").read_text()), re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    return {"".join(word.capitalize() for word in name.split("-")) for name in names}


def test_every_alarm_has_its_runbook() -> None:
    headings = re.findall(r"^### (\w+)$", chapter("Alarms and what to do"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(alarm.name for alarm in monitoring.alarms())


def test_every_parameter_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", chapter("Parameters of the stack")))
    assert template()["Parameters"].keys() - settings() <= described
    assert settings() <= template()["Parameters"].keys()


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *re.findall(r"ParameterKey=(\w+)", OPERATIONS),
            *re.findall(r"`([A-Z][a-z]\w+)=[^`]*`", OPERATIONS),
            *(
                name
                for line in re.findall(r"--parameter-overrides (.*)", OPERATIONS)
                for name in re.findall(r"(?<!\S)([A-Z]\w+)=", line)
            ),
        }
        - {"ParameterKey", "FailureToleranceCount", "OrganizationalUnitIds", "UsePreviousValue"}
    ),
)
def test_a_parameter_that_is_named_exists(name: str) -> None:
    assert name in template()["Parameters"]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bresource (\w+)", OPERATIONS))))
def test_a_resource_that_is_named_exists(name: str) -> None:
    assert kind_of(name)


@pytest.mark.parametrize(
    "text",
    sorted(
        [
            *re.findall(r"^```\n(filter .*?)^```", OPERATIONS, re.DOTALL | re.MULTILINE),
            *re.findall(r"--query-string '([^']*)'", OPERATIONS),
        ]
    ),
)
def test_a_query_in_the_text_asks_for_what_is_logged(text: str) -> None:
    query = parse_query(text)
    assert query.fields <= emitted().fields(APPROVER) | emitted().fields(DENIALS) | SYSTEM_FIELDS
    assert not query.counts_lines
