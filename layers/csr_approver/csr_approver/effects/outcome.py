"""What became of one pointer: the verdict and what was done about it."""

from dataclasses import dataclass
from enum import StrEnum

from csr_approver.message import Pointer
from csr_approver.policy.request import SigningRequest
from csr_approver.policy.verdict import Verdict


class Effect(StrEnum):
    """What was done about a verdict."""

    APPROVED = "approved"
    DENIED = "denied"
    RECORDED = "recorded"
    """A denial that the settings keep from being written to the cluster."""
    NOTHING = "nothing"
    POSTPONED = "postponed"
    """A denial that a fresh read must confirm when the request is a minute old."""
    LEFT = "left"
    WRITE_FAILED = "write-failed"
    OUT_OF_TIME = "out-of-time"
    ERROR = "error"
    """A fault of ours, for the dead-letter queue."""


FINAL = frozenset({Effect.APPROVED, Effect.DENIED, Effect.RECORDED, Effect.NOTHING})
"""Nothing is left to do; every other effect but ERROR is worth another try soon."""


@dataclass(frozen=True, slots=True)
class Review:
    """`verdict` and `request` are None where the function did not get so far; `error` is one line."""

    pointer: Pointer
    effect: Effect
    verdict: Verdict | None = None
    request: SigningRequest | None = None
    error: str | None = None
