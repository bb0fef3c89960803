"""A terminal for a command to write to."""

import io

import pytest


class Terminal(io.StringIO):
    """Standard output that is a terminal of so many columns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("sys.stdout", self)

    @property
    def encoding(self) -> str:  # type: ignore[override] # a plain attribute there
        return self._encoding

    def isatty(self) -> bool:
        return True
