"""Clocks that are wrong."""

import sys
from datetime import datetime, timedelta, tzinfo


def set_function_clock(function: str, ahead_seconds: float) -> None:
    """Let the code of a function that was loaded in this process see another time: it asks for it in one place."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override] # an ordinary datetime, as always
            return datetime.now(tz) + timedelta(seconds=ahead_seconds)

    vars(sys.modules[f"{function}_app"])["datetime"] = Clock
