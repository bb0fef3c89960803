"""Others change the same request between our GET and our PUT: what they did stays, and we decide what is there now."""

from collections.abc import Callable
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.system import System
from tests.support.endings import APPROVED, ending_of, troubles
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

Document = dict[str, Any]
TIMES = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), "2026-11-22T08:30:00Z")


def stored(system: System, document: Document) -> Document:
    return system.cluster.stored(document["metadata"]["name"]) or {}


def run_with_rival(system: System, document: Document, change: Callable[[Document], object]) -> Document:
    """Submit, let the rival change the stored object just before our first PUT, and say how it was submitted."""
    system.submit(document)
    before = stored(system, document)

    def act() -> None:
        current = stored(system, document)
        change(current)
        system.cluster.load(current)

    system.kubernetes.before_write("/approval", act)
    system.run()
    return before


def decide(kind: str) -> Callable[[Document], object]:
    condition = {"type": kind, "status": "True", "reason": "Rival", "message": "first", **TIMES}
    return lambda document: document["status"].update(conditions=[condition])


def methods(system: System) -> list[str]:
    return [method for method, _, _ in system.kubernetes.requests]


@pytest.mark.parametrize("kind", ["Approved", "Denied", "Failed"])
@pytest.mark.parametrize("asked", [(), (NODE_NAME, "10.0.1.24")], ids=["an approval", "a denial"])
def test_a_rivals_decision_stands_against(asked: tuple[str, ...], kind: str) -> None:
    with System(default_world()) as system:
        before = run_with_rival(system, signing_request(*asked), decide(kind))
        (condition,) = stored(system, before)["status"]["conditions"]
        assert (condition["type"], condition["reason"]) == (kind, "Rival")
        assert [line["reasons"] for line in system.decisions] == [[Reason.ALREADY_DECIDED]]
        assert methods(system) == ["GET", "PUT", "GET"]
        assert troubles(system) == []


def test_labels_and_annotations_of_before_and_of_meanwhile_survive() -> None:
    request = signing_request()
    request["metadata"] |= {"labels": {"team": "nodes"}, "annotations": {"example.com/seen": "yes"}}
    with System(default_world()) as system:
        before = run_with_rival(
            system, request, lambda document: document["metadata"]["annotations"].update({"example.com/late": "too"})
        )
        after = stored(system, before)
        assert after["metadata"]["labels"] == {"team": "nodes"}
        assert after["metadata"]["annotations"] == {"example.com/seen": "yes", "example.com/late": "too"}
        assert [condition["type"] for condition in after["status"]["conditions"]] == ["Approved"]
        assert methods(system) == ["GET", "PUT", "GET", "PUT"]


def test_a_note_of_somebody_elses_survives() -> None:
    with System(default_world()) as system:
        before = run_with_rival(system, signing_request(), decide("example.com/Seen"))
        conditions = stored(system, before)["status"]["conditions"]
        assert [condition["type"] for condition in conditions] == ["example.com/Seen", "Approved"]


def test_a_request_that_is_made_anew_under_the_name_is_not_decided_by_the_old_pointer() -> None:
    other = signing_request(NODE_NAME, "10.0.1.24")

    def make_anew(document: Document) -> None:
        document |= {"spec": other["spec"], "metadata": {**document["metadata"], "uid": other["metadata"]["uid"]}}

    with System(default_world()) as system:
        before = run_with_rival(system, signing_request(), make_anew)
        after = stored(system, before)
        assert (after["metadata"]["uid"], after["status"]) == (other["metadata"]["uid"], {})
        assert [line["reasons"] for line in system.decisions] == [[Reason.REQUEST_GONE]]
        assert troubles(system) == []


def test_a_request_that_is_deleted_meanwhile_is_gone() -> None:
    with System(default_world()) as system:
        name = system.submit(signing_request())
        system.kubernetes.before_write("/approval", lambda: system.kubernetes.fail_next("GET", name, 404))
        system.kubernetes.fail_next("PUT", "/approval", 404)
        system.run()
        assert [line["reasons"] for line in system.decisions] == [[Reason.REQUEST_GONE]]
        assert troubles(system) == []


def test_what_the_object_says_now_is_judged_and_not_what_it_said() -> None:
    def turn_bad(document: Document) -> None:
        document["spec"]["usages"] = ["client auth"]

    with System(default_world()) as system:
        before = run_with_rival(system, signing_request(), turn_bad)
        assert ending_of(system, before).reasons == (Reason.USAGES_NOT_PERMITTED,)
        assert stored(system, before)["status"]["conditions"][0]["type"] == "Denied"


def test_a_request_that_keeps_changing_is_tried_a_few_times_and_again_later() -> None:
    with System(default_world()) as system:
        request = stored(system, {"metadata": {"name": system.submit(signing_request())}})
        system.kubernetes.fail_next("PUT", "/approval", 409, times=3)
        system.run()
        assert [line["effect"] for line in system.decisions] == ["write-failed", "approved"]
        assert methods(system).count("PUT") == 3 + 1
        assert ending_of(system, request) == APPROVED
        assert troubles(system) == []
