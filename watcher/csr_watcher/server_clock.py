"""The API server's clock: creation times are its, so ages have to be too."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# A Date header has whole seconds, and was some time on its way: less than this is no difference.
_TOLERANCE = timedelta(seconds=2)


class ServerClock:
    """This machine's clock, corrected by what the API server says the time is (RFC 9110, Date)."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def hear(self, date_header: str | None) -> None:
        """Learn from an answer's Date header; whatever is none is passed over."""
        try:
            offset = parsedate_to_datetime(date_header or "") - datetime.now(UTC)
        except (TypeError, ValueError):
            return
        self._offset = offset if abs(offset) > _TOLERANCE else timedelta()

    def seconds_since(self, time: datetime) -> float:
        """0 for a time that is yet to come."""
        return max(0.0, (datetime.now(UTC) + self._offset - time).total_seconds())
