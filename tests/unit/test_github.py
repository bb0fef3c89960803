"""What lies in .github: workflows that run what there is, with no more rights than they need, from pinned actions."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
FORMS = sorted(set(GITHUB.glob("ISSUE_TEMPLATE/*.yml")) - {GITHUB / "ISSUE_TEMPLATE/config.yml"})

# A commit, which nobody can move, and beside it the release that people know it by.
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_USES = re.compile(r"^\s*(?:- )?uses: (.*)$", re.MULTILINE)
# As a line of a script; on the console or in a text.
_RUN = re.compile(r"^ *(?:- run: )?make ([a-z][a-z0-9-]*)", re.MULTILINE)
_DOCUMENTED = re.compile(r"(?:\$ |`)make ([a-z][a-z0-9-]*)")

VALID = """\
permissions:
  contents: read
jobs:
  checks:
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: make lint
"""


def objections(text: str) -> list[str]:
    """What a reviewer would say of a workflow."""
    workflow = yaml.safe_load(text)
    said = [
        f"{uses} is not pinned" for uses in _USES.findall(text) if not (uses[:2] == "./" or _PINNED.fullmatch(uses))
    ]
    permissions = workflow.get("permissions")
    if not isinstance(permissions, dict) or "write" in permissions.values():
        said.append("every job may write")
    for name, job in workflow["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            said.append(f"{name} may hang for hours")
        said += [objection for step in job.get("steps", ()) for objection in _objections_to(step)]
    return said + [f"there is no target {target}" for target in _RUN.findall(text) if target not in targets()]


def _objections_to(step: dict[str, Any]) -> list[str]:
    said = []
    if "${{" in step.get("run", ""):
        said.append("whoever names a branch writes a part of the script: pass it in env")
    if (
        step.get("uses", "").startswith("actions/checkout@")
        and step.get("with", {}).get("persist-credentials") is not False
    ):
        said.append("the token stays in .git/config")
    return said


def targets() -> set[str]:
    """Of the Makefile."""
    return set(re.findall(r"^\.PHONY: ([a-z0-9-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_fit_to_run(path: Path) -> None:
    assert objections(path.read_text()) == []


def test_there_is_nothing_to_say_of_a_workflow_as_it_should_be() -> None:
    assert objections(VALID) == []


@pytest.mark.parametrize(
    ("valid", "broken", "objection"),
    [
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7.0.1", "not pinned"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@3d3c42e", "not pinned"),
        (" # v7.0.1", "", "not pinned"),
        ("contents: read", "contents: write", "may write"),
        ("permissions:\n  contents: read\n", "", "may write"),
        ("    timeout-minutes: 5\n", "", "may hang"),
        ("persist-credentials: false", "persist-credentials: true", "token stays"),
        ("make lint", "make lind", "no target lind"),
        ("make lint", "make lint ${{ github.head_ref }}", "in env"),
    ],
)
def test_what_is_wrong_with_a_workflow_is_found(valid: str, broken: str, objection: str) -> None:
    assert valid in VALID
    (said,) = objections(VALID.replace(valid, broken))
    assert objection in said


def test_one_version_of_each_action() -> None:
    used = {uses for path in WORKFLOWS for uses in _USES.findall(path.read_text()) if uses[:2] != "./"}
    actions = [uses.partition("@")[0] for uses in used]
    assert sorted(set(actions)) == sorted(actions)


def test_ci_runs_on_the_oldest_python_and_on_lambdas() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    lambdas = re.findall(r"^ +Runtime: python(3\.\d+)$", (ROOT / "template.yaml").read_text(), re.MULTILINE)
    assert workflow["jobs"]["checks"]["strategy"]["matrix"]["python"] == [oldest, *lambdas]


def test_dependabot_looks_where_there_is_something() -> None:
    wanted = {"pip": "*requirements*.txt", "github-actions": ".github/workflows/*.yml", "docker": "Dockerfile"}
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert {update["package-ecosystem"] for update in updates} == wanted.keys()
    for update in updates:
        for folder in update.get("directories", [update.get("directory")]):
            assert list((ROOT / folder.strip("/")).glob(wanted[update["package-ecosystem"]]))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_an_issue_form_asks_for_what_is_answered_once(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    asked = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert sorted(set(asked)) == sorted(asked)


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *GITHUB.glob("**/*.md")], ids=lambda path: path.name
)
def test_documented_targets_exist(path: Path) -> None:
    assert set(_DOCUMENTED.findall(path.read_text())) <= targets()


def test_what_ci_runs_exists() -> None:
    assert set(_RUN.findall((ROOT / ".ci/run").read_text())) <= targets()


def test_what_is_a_target() -> None:
    assert _RUN.findall("- run: make lint\n    make test-artifact\necho make it") == ["lint", "test-artifact"]
    assert _DOCUMENTED.findall("`make lint` and\n$ make test\nthen\nmake it so") == ["lint", "test"]
