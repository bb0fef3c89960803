"""Figures for people and for programs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `most`: what it must stay under, if it must."""

    key: str
    name: str
    value: float
    unit: str
    remark: str = ""
    most: float | None = None

    @property
    def failed(self) -> bool:
        return self.most is not None and self.value >= self.most


@dataclass(frozen=True, slots=True)
class Table:
    """What one benchmark found."""

    title: str
    rows: list[Row]

    def text(self) -> str:
        """Aligned lines under the title."""
        width = max(len(row.name) for row in self.rows)
        lines = (f"  {row.name:<{width}} {row.value:10.2f} {row.unit:<4}{row.remark}".rstrip() for row in self.rows)
        return "\n".join([self.title, *lines])
