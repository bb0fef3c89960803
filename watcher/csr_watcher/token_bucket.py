"""How many messages one requester may cause."""

from dataclasses import dataclass

# So that `take` succeeds at the time that `next_token_at` gave.
_ROUNDING = 1e-6


@dataclass(slots=True)
class TokenBucket:
    """Full at first; one token comes back each `refill_seconds`. Times are seconds on any clock that only goes on."""

    burst: int
    refill_seconds: float
    at: float
    missing: float = 0.0

    def take(self, now: float) -> bool:
        """False if there is none to take."""
        self._refill(now)
        if self.missing > self.burst - 1 + _ROUNDING:
            return False
        self.missing += 1
        return True

    def give_back(self, now: float) -> None:
        """For a message that was not sent."""
        self._refill(now)
        self.missing = max(0.0, self.missing - 1)

    def full(self, now: float) -> bool:
        """Whether it says no more than a new one would."""
        self._refill(now)
        return not self.missing

    def next_token_at(self, now: float) -> float:
        """When `take` succeeds again; `now` if it would already."""
        self._refill(now)
        return now + max(0.0, self.missing - (self.burst - 1)) * self.refill_seconds

    def _refill(self, now: float) -> None:
        self.missing = max(0.0, self.missing - max(0.0, now - self.at) / self.refill_seconds)
        self.at = max(self.at, now)
