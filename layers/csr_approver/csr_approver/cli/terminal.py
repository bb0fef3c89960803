"""What standard output can show: the marks of a tick list, and how wide a line may be."""

import shutil
import sys
from enum import Enum


class Mark(Enum):
    """How a check ended: in ASCII, and as a terminal shows it."""

    PASSED = "+", "\N{CHECK MARK}"
    DISPROVED = "x", "\N{BALLOT X}"
    UNKNOWN = "?", "?"
    SKIPPED = "-", "-"

    def __str__(self) -> str:
        ascii_mark, sign = self.value
        return sign if sys.stdout.isatty() and sys.stdout.encoding.lower() == "utf-8" else ascii_mark


def line_width() -> int | None:
    """The terminal's width; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def progress(text: str) -> None:
    """On a terminal, what is being waited for, in a line that the next one replaces; empty: nothing any more."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
