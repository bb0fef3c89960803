"""Aligned columns, as wide as they must be and no wider."""

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The headings, then a line a row; no line has blanks at its end."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
