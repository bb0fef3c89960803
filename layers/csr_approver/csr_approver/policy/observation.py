"""Three-valued knowledge: seen, looked and not there, could not look.

Only the first two can disprove a request. Whoever builds an observation must never turn a fault
(throttle, time-out, no permission, resolver failure) into Absent.
"""

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Seen(Generic[T_co]):
    """The authority answered with this value."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Absent:
    """The authority answered that there is none. `detail` says which answer that was."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The authority could not be asked, or did not answer. `detail` says why, for the operator."""

    detail: str


Observation: TypeAlias = Seen[T_co] | Absent | Unavailable
