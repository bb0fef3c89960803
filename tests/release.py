"""Whether a tag may be released, and what the changelog tells of it: `python -m tests.release v0.1.0` prints that.

Needs nothing but Python, so that the release workflow asks before it installs anything.
"""

import re
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]


class ReleaseError(ValueError):
    """What must be changed before this tag is made again."""


def notes(tag: str, project: str, changelog: str) -> str:
    """The changelog's section about the version, without its heading. Raises ReleaseError.

    `project` is the text of pyproject.toml.
    """
    version = tomllib.loads(project)["project"]["version"]
    if tag != f"v{version}":
        raise ReleaseError(f"the tag is {tag}, the version in pyproject.toml {version}: it must be v{version}")
    # Keep a Changelog: `## [0.1.0] - 2026-12-01`, with or without brackets.
    section = re.search(rf"(?ms)^## \[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d$(.*?)(?=^## |\Z)", changelog)
    if section is None:
        raise ReleaseError(
            f"CHANGELOG.md has no section `## {version} - YYYY-MM-DD`: give `## Unreleased` that heading"
        )
    return section[1].strip()


def main(tag: str) -> int:
    """2, with a line on standard error, for a tag that may not be released."""
    try:
        print(notes(tag, (_ROOT / "pyproject.toml").read_text(), (_ROOT / "CHANGELOG.md").read_text()))
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
