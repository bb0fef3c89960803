"""AWS's service models, parsed once a process: each cold start here would spend half a second on them again."""

import pickle
from functools import cache

from botocore.loaders import JSONFileLoader


def keep_service_models() -> None:
    """Let each session of this process have a copy of its own: moto writes into the models that it loads."""
    setattr(JSONFileLoader, "load_file", lambda _, path: pickle.loads(_load_once(path)))  # noqa: B010, S301 - see below


_read = JSONFileLoader.load_file


@cache
def _load_once(path: str) -> bytes:
    """Pickled by ourselves: quicker to read again than the JSON that it was."""
    return pickle.dumps(_read(JSONFileLoader(), path))
