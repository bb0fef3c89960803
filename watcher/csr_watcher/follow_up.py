"""What became of the requests: how many are pending, and which were approved but never issued, or failed by the signer.

No I/O, no clock: every time is seconds on the caller's own.
"""

from collections.abc import Collection
from dataclasses import dataclass

from csr_approver.message import Trouble
from csr_watcher.sighting import Sighting, Stage

# The signer takes seconds.
NOT_ISSUED_SECONDS = 60.0
# An approved request without a certificate stays until somebody deletes it, and must not alarm for ever; as long as
# the trouble goes on, the kubelet makes a new request each quarter of an hour.
NEWS_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Case:
    """A request that somebody has to look at."""

    trouble: Trouble
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Gauges:
    """`pending` and the like count requests; the age is 0 where none is pending."""

    pending: int
    oldest_pending_seconds: float
    not_issued: int
    failed_by_signer: int


@dataclass(slots=True)
class _Followed:
    sighting: Sighting
    created: float
    since: float
    reported: Trouble | None = None


class FollowUp:
    """Not thread-safe. Holds what the cluster holds."""

    def __init__(self) -> None:
        self._followed: dict[str, _Followed] = {}

    def see(self, sighting: Sighting, created: float, since: float) -> None:
        """`since`: when it reached its stage, which a later look does not move. `created`: the last word counts."""
        uid = sighting.pointer.uid
        known = self._followed.get(uid)
        if known is None:
            self._followed[uid] = _Followed(sighting, created, since)
        elif known.sighting.stage is not sighting.stage:
            self._followed[uid] = _Followed(sighting, known.created, since, known.reported)
        if known is not None and sighting.created_at is not None:
            self._followed[uid].created = created

    def forget(self, uid: str) -> None:
        """It is gone."""
        self._followed.pop(uid, None)

    def retain(self, uids: Collection[str]) -> None:
        """Forget all but these."""
        for uid in [uid for uid in self._followed if uid not in uids]:
            del self._followed[uid]

    def gauges(self, now: float) -> Gauges:
        """As of now."""
        pending = [each.created for each in self._followed.values() if each.sighting.stage is Stage.PENDING]
        troubles = [trouble for each in self._followed.values() if (trouble := _trouble(each, now))]
        return Gauges(
            len(pending),
            max(0.0, now - min(pending, default=now)),
            troubles.count(Trouble.NOT_ISSUED),
            troubles.count(Trouble.FAILED_BY_SIGNER),
        )

    def news(self, now: float, most: int) -> list[Case]:
        """Cases that `reported` was not told of yet."""
        cases: list[Case] = []
        for each in self._followed.values():
            trouble = _trouble(each, now)
            if trouble and trouble is not each.reported:
                cases.append(Case(trouble, each.sighting))
            if len(cases) == most:
                break
        return cases

    def reported(self, cases: Collection[Case]) -> None:
        """These are known where they have to be."""
        for case in cases:
            if followed := self._followed.get(case.sighting.pointer.uid):
                followed.reported = case.trouble


def _trouble(followed: _Followed, now: float) -> Trouble | None:
    age = now - followed.since
    match followed.sighting.stage:
        case Stage.APPROVED if NOT_ISSUED_SECONDS < age <= NEWS_SECONDS:
            return Trouble.NOT_ISSUED
        case Stage.FAILED if age <= NEWS_SECONDS:
            return Trouble.FAILED_BY_SIGNER
        case _:
            return None
