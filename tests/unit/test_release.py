"""Which tag may be released, and with which notes."""

import pytest

from tests.release import ReleaseError, notes

PROJECT = '[project]\nname = "eks-csr-approver"\nversion = "0.2.0"\n'
CHANGELOG = """\
# Changelog

## Unreleased

- Not yet.

## 0.2.0 - 2026-12-01

### Added

- A command.

## 0.1.0 - 2026-11-01

- The first.
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes("v0.2.0", PROJECT, CHANGELOG) == "### Added\n\n- A command."


@pytest.mark.parametrize(
    "changelog", [CHANGELOG.replace("## 0.2.0", "## [0.2.0]"), CHANGELOG.partition("\n## 0.1.0")[0]]
)
def test_so_they_are_with_brackets_and_in_the_last_section(changelog: str) -> None:
    assert notes("v0.2.0", PROJECT, changelog) == "### Added\n\n- A command."


@pytest.mark.parametrize(
    ("tag", "project", "changelog", "said"),
    [
        ("v0.1.0", PROJECT, CHANGELOG, "it must be v0.2.0"),
        ("0.2.0", PROJECT, CHANGELOG, "it must be v0.2.0"),
        ("v0.2.0", PROJECT.replace("0.2.0", "0.3.0"), CHANGELOG, "it must be v0.3.0"),
        ("v0.2.0", PROJECT, CHANGELOG.replace("0.2.0 -", "0.2.1 -"), "no section"),
        ("v0.2.0", PROJECT, CHANGELOG.replace("## 0.2.0 - 2026-12-01", "## 0.2.0"), "no section"),
        ("v0.2.0", PROJECT, CHANGELOG.replace("## 0.2.0", "## 0x2.0"), "no section"),
    ],
)
def test_what_may_not_be_released(tag: str, project: str, changelog: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        notes(tag, project, changelog)
