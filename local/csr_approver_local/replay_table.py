"""One aligned table of what a replay did, as wide as it must be and no wider."""

from collections import Counter
from collections.abc import Iterable, Sequence

from csr_approver_local.replay import REFUSED, Row

_HEADINGS = ("EVENT", "NODE", "ASKS FOR", "VERDICT", "REASONS", "WRITTEN", "RECORDED", "MS", "")
_LIMITS = (30, 22, 34, 25, 34, 8, 8, 6, 200)
_RIGHT = "MS"


def table(rows: Iterable[Row]) -> list[str]:
    """A heading and a line a row; long names are cut in the middle, where the least is lost."""
    cells = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return [_aligned(line, widths) for line in cells]


def summary(rows: Sequence[Row], seconds: float) -> str:
    """One line for the whole replay."""
    played = [row for row in rows if row.verdict != REFUSED]
    as_told = sum(row.problem is None for row in played)
    verdicts = Counter(row.verdict for row in rows)
    kinds = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())
    return f"{as_told} of {len(played)} requests ended as their sample says ({kinds}) in {seconds:.1f} s"


def _cells(row: Row) -> tuple[str, ...]:
    texts = (
        row.event,
        row.node,
        _shortened(row.asked),
        row.verdict,
        ", ".join(row.reasons),
        row.written,
        str(row.recorded),
        str(row.milliseconds),
        f"<- {row.problem}" if row.problem else "",
    )
    return tuple(_cut(text, limit) for text, limit in zip(texts, _LIMITS, strict=True))


def _shortened(asked: Sequence[str]) -> str:
    """The first label of each name, and every address."""
    return " ".join(
        name if ":" in name or name.replace(".", "").isdigit() else f"{name.partition('.')[0]}." for name in asked
    )


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}~{text[len(text) - (limit - 1 - head) :]}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if heading == _RIGHT else cell.ljust(width)
        for cell, width, heading in zip(cells, widths, _HEADINGS, strict=True)
    )
    return "  ".join(padded).rstrip()
