"""Times as Kubernetes and AWS write them."""

from datetime import UTC, datetime


def parse_time(value: object) -> datetime | None:
    """RFC 3339 text, or a datetime as boto3 gives it, in UTC; None for what is no point in time, or has no zone."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(time, datetime) or time.tzinfo is None:
            return None
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
