"""The verdict: pure functions over frozen dataclasses. No I/O, clock, environment or logging in here."""
