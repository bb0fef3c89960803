"""Figures for people and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    `limit`: the same figure of something that does only what cannot be left out, measured in the same run. `most`: what
    the ratio to the limit, or where there is none the figure itself, must not be over.
    """

    key: str
    name: str
    value: float
    unit: str
    remark: str = ""
    most: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the limit."""
        return self.value / self.limit if self.limit else None

    @property
    def failed(self) -> bool:
        compared = self.value if self.ratio is None else self.ratio
        return self.most is not None and compared > self.most

    @property
    def complaint(self) -> str:
        """One line, for a figure that has failed."""
        found = f"{self.value:.2f} {self.unit}".strip() if self.ratio is None else f"{self.ratio:.2f} times the limit"
        return f"{self.name}: {found}, must be at most {self.most:g}"

    def document(self) -> Mapping[str, object]:
        """What a program is told; what is not there is left out."""
        found = {"value": self.value, "limit": self.limit, "ratio": self.ratio, "most": self.most}
        return {"unit": self.unit} | {name: value for name, value in found.items() if value is not None}

    def cells(self) -> tuple[str, str, str]:
        """Figure, limit and ratio."""
        limit = "" if self.limit is None else f"{self.limit:.2f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        return f"{self.value:.2f} {self.unit:<4}", limit, ratio


@dataclass(frozen=True, slots=True)
class Table:
    """What one benchmark found."""

    title: str
    rows: list[Row]

    def text(self) -> str:
        """Aligned lines under the title."""
        width = max(len(row.name) for row in self.rows)
        lines = [f"  {'':<{width}} {'':>15} {'limit':>10} {'ratio':>7}"] if any(row.limit for row in self.rows) else []
        for row in self.rows:
            figure, limit, ratio = row.cells()
            bound = f"at most {row.most:g}" if row.most is not None else ""
            remark = "; ".join(filter(None, (row.remark, bound)))
            lines.append(f"  {row.name:<{width}} {figure:>15} {limit:>10} {ratio:>7}  {remark}".rstrip())
        return "\n".join([self.title, *lines])
