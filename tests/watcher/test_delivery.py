"""What is pending in the cluster comes to the queue, whatever becomes of the API server, SQS and the watcher."""

from tests.watcher.harness import Scene, metric, wait_until


def test_a_request_from_before_the_start_is_sent(scene: Scene) -> None:
    pointer = scene.ask()
    scene.watch()
    scene.await_pointers([pointer])


def test_a_new_request_is_sent_at_once_and_once(scene: Scene) -> None:
    watcher = scene.watch()
    wait_until(lambda: metric(watcher, "lists_total"))
    pointers = [scene.ask() for _ in range(5)]
    scene.await_pointers(pointers, seconds=2)
    assert set(scene.pointers().values()) == {1}
