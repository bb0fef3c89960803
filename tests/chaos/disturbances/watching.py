"""The watchers end, and begin again with nothing but what the API server has."""

from tests.chaos.disturbances import Strikes
from tests.chaos.stage import Stage


def watchers_end(stage: Stage) -> Strikes:
    """Both replicas are replaced at once: stopped where they are threads, killed -9 where they are processes."""
    yield
    while True:
        stage.replicas.stop()
        stage.replicas.start()
        yield
