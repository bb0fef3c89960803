"""The API server goes away, forgets, and knows nobody."""

import threading
import time
from datetime import timedelta

from tests.chaos.disturbances import Strikes
from tests.chaos.local_stage import LocalStage
from tests.chaos.stage import Stage

_OTHER_TOKEN_SECONDS = 0.2
# Longer than STS honours a presigned call.
_TOKEN_LIFE = timedelta(minutes=16)


def api_server_is_killed(stage: Stage) -> Strikes:
    """The API server dies under watchers, nodes and function, and comes back with what it had stored."""
    yield
    while True:
        stage.kill_api_server()
        yield


def api_server_forgets(stage: LocalStage) -> Strikes:
    """The watchers lose their watch, and cannot go on where they were: 410."""
    while True:
        stage.system.kubernetes.forget_history()
        yield


def approver_token_expires(stage: LocalStage) -> Strikes:
    """The approver's token is too old for the API server: 401, until the next one is not."""
    while True:
        stage.system.tokens_look_older = _TOKEN_LIFE
        time.sleep(_OTHER_TOKEN_SECONDS)
        stage.system.tokens_look_older = timedelta()
        yield


def watcher_token_expires(stage: LocalStage) -> Strikes:
    """The API server takes a new token of the watchers' only, which their file has a little later: 401 meanwhile."""
    number = 0
    renewals: list[threading.Timer] = []
    try:
        while True:
            number += 1
            token = f"token-{number}"
            stage.system.watcher_token = token
            stage.system.kubernetes.disconnect()
            renewals.append(threading.Timer(_OTHER_TOKEN_SECONDS, stage.watcher_token.write_text, [token]))
            renewals[-1].start()
            yield
    finally:
        for renewal in renewals:
            renewal.join()
        stage.watcher_token.write_text(token)
