"""What a check of `doctor` comes to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from csr_approver.cli.doctor.facts import Facts


class State(Enum):
    """How a check ended: as JSON and as text have it."""

    OK = "ok", "ok"
    WRONG = "wrong", "!"
    UNKNOWN = "unknown", "?"
    NOT_APPLICABLE = "not-applicable", "-"

    @property
    def word(self) -> str:
        """For JSON."""
        return self.value[0]

    @property
    def mark(self) -> str:
        """For text."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Found:
    """`detail` says what was found; `mend` what to do about it, a command where there is one.

    `subject` tells several findings of one check from each other.
    """

    state: State
    detail: str
    mend: str = ""
    subject: str = ""


Check: TypeAlias = Callable[[Facts], Iterator[Found]]
Checks: TypeAlias = Mapping[str, Check]
"""The checks of one section, by what they are called."""


def ok(detail: str, subject: str = "") -> Found:
    """As it should be."""
    return Found(State.OK, detail, "", subject)


def wrong(detail: str, mend: str, subject: str = "") -> Found:
    """To be mended."""
    return Found(State.WRONG, detail, mend, subject)


def unknown(detail: str, mend: str = "", subject: str = "") -> Found:
    """Could not be looked at, or says nothing for sure."""
    return Found(State.UNKNOWN, detail, mend, subject)


def not_applicable(detail: str, subject: str = "") -> Found:
    """There is nothing to look at."""
    return Found(State.NOT_APPLICABLE, detail, "", subject)
