"""Every link from one page of the documentation to another leads to a page, and to a heading that it has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("events/*.md"))
)

_FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of the headings."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    """The links that lead nowhere; what is on other machines is not looked at."""
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize("link", ["other.md", "#the-page-1", "other.md#ab-cs-d_e", "https://example.com/x#y"])
def test_a_link_that_leads_somewhere(tmp_path: Path, link: str) -> None:
    assert list(broken(written(tmp_path, link))) == []


@pytest.mark.parametrize("link", ["othre.md", "#the-page", "other.md#the-page-1", "other.md#no-heading"])
def test_a_link_that_leads_nowhere(tmp_path: Path, link: str) -> None:
    assert list(broken(written(tmp_path, link))) == [link]


def written(folder: Path, link: str) -> Path:
    """A page with this link, and another one beside it."""
    (folder / "other.md").write_text("# A.B `c's` d_e\n\n```\n# No heading\n```\n")
    (folder / "page.md").write_text(f"# The page (1)\n\nSee [there]({link}).\n")
    return folder / "page.md"
