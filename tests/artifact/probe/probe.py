"""Runs in a function's process around its handler, to tell what that has imported."""

import importlib
import sys
from typing import Any

_app = importlib.import_module("app")


def lambda_handler(event: Any, context: Any) -> Any:
    """For the event "modules", the file of each in the order of their import; other events go to the function."""
    if event == "modules":
        return {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return _app.lambda_handler(event, context)
