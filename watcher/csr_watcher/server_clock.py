"""The API server's clock: creation times are its, so ages have to be too."""

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

# A Date header has whole seconds, and was some time on its way: less than this is no difference.
_TOLERANCE_SECONDS = 2.0


class ServerClock:
    """Where the API server's times are on time.monotonic(): at first by this machine's clock, then by the server's.

    Equal times stay equal, and a step of this machine's clock moves none of them.
    """

    def __init__(self) -> None:
        self._epoch = time.monotonic() - time.time()

    def hear(self, date_header: str | None) -> None:
        """Learn from an answer's Date header (RFC 9110, 6.6.1); whatever is none is passed over."""
        try:
            epoch = time.monotonic() - parsedate_to_datetime(date_header or "").timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        if abs(epoch - self._epoch) > _TOLERANCE_SECONDS:
            self._epoch = epoch

    def monotonic(self, at: datetime | None) -> float:
        """The time in seconds as time.monotonic() counts them; now, if there is none or it is yet to come."""
        now = time.monotonic()
        return now if at is None else min(now, self._epoch + at.timestamp())
