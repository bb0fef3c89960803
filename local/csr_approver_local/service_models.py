"""AWS's service models, parsed once a process: each cold start here would spend half a second on them again."""

from functools import cache

from botocore.loaders import JSONFileLoader


def keep_service_models() -> None:
    """Let all sessions of this process share what they only read."""
    setattr(JSONFileLoader, "load_file", lambda _, path: _load_once(path))  # noqa: B010 - mypy knows better


_read = JSONFileLoader.load_file


@cache
def _load_once(path: str) -> object:
    return _read(JSONFileLoader(), path)
