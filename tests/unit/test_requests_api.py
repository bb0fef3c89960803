"""Ending a watch from another thread."""

from typing import Any

import pytest
from kubernetes import client

from csr_watcher.api import RequestsApi
from csr_watcher.server_clock import ServerClock


class Answer:
    """One whose socket cannot be shut down any more."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def shutdown(self) -> None:
        raise self._error


@pytest.mark.parametrize("error", [OSError(107, "Transport endpoint is not connected"), RuntimeError(), ValueError()])
def test_a_connection_that_is_gone_is_no_obstacle(error: Exception) -> None:
    """Else SIGTERM, just when the API server goes away, would end in a traceback and send nothing of what is owed."""
    api: Any = RequestsApi(client.ApiClient(client.Configuration()), ServerClock())
    api._open = Answer(error)
    api.interrupt()
