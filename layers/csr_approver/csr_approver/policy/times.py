"""Times as Kubernetes and AWS write them."""

from datetime import UTC, datetime


def parse_time(value: object) -> datetime | None:
    """RFC 3339 text, or a datetime as boto3 gives it, in UTC; None for what is no point in time, or has no zone."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        return time.astimezone(UTC) if isinstance(time, datetime) and time.tzinfo else None
    except (ValueError, OverflowError):
        return None
