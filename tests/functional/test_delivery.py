"""When a request comes back, and when a denial is written: redelivery and the first minute (DESIGN 2.5 and 2.7)."""

from collections.abc import Callable
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.system import System
from tests.support.delivering import deliver, failed
from tests.support.endings import APPROVED, NOTHING, Ending, denied, ending_of, left, troubles
from tests.support.requests import INSTANCE_ID, NODE_NAME, signing_request
from tests.support.worlds import default_world, with_document, with_instance, with_zone

FOREIGN_ADDRESS = "10.0.1.24"
UNKNOWN_INSTANCE = "i-0fffffffffffffff0"
POSTPONED = Ending("Deny", (Reason.ADDRESS_NOT_OF_INSTANCE,), NOTHING, records=0)


def stored(system: System, request: dict[str, Any]) -> dict[str, Any]:
    return system.cluster.stored(request["metadata"]["name"]) or {}


def submitted(system: System, request: dict[str, Any]) -> dict[str, Any]:
    system.submit(request)
    return stored(system, request)


def foreign(age_seconds: float = 3600) -> dict[str, Any]:
    """A request for another node's address."""
    return signing_request(NODE_NAME, FOREIGN_ADDRESS, age_seconds=age_seconds)


def test_what_is_undetermined_comes_back_after_5_15_and_45_seconds_and_then_no_more() -> None:
    with System(default_world()) as system:
        submitted(system, signing_request(instance_id=UNKNOWN_INSTANCE))
        for delay in (5, 15, 45):
            assert failed(deliver(system)) == 1
            assert system.approver_source.poll_once() is None
            assert system.aws.fast_forward(system.csr_queue) == pytest.approx(delay, abs=1.5)
        assert failed(deliver(system)) == 0
        assert system.aws.fast_forward(system.csr_queue) == 0
        assert [line["attempt"] for line in system.decisions] == [1, 2, 3, 4]
        assert troubles(system) == []


def test_what_is_decided_does_not_come_back() -> None:
    with System(default_world()) as system:
        for request in (signing_request(), foreign(), signing_request(spec={"signerName": "example.com/other"})):
            submitted(system, request)
        assert failed(deliver(system)) == 0
        assert system.aws.fast_forward(system.csr_queue) == 0


def test_only_what_is_undetermined_comes_back() -> None:
    with System(default_world()) as system:
        submitted(system, signing_request())
        submitted(system, signing_request(instance_id=UNKNOWN_INSTANCE))
        assert failed(deliver(system)) == 1
        system.aws.fast_forward(system.csr_queue)
        deliver(system)
        assert [line["verdict"] for line in system.decisions] == ["Approve", "Undetermined", "Undetermined"]


def test_a_queue_that_does_not_take_the_delay_still_brings_the_message_back() -> None:
    with System(default_world()) as system:
        submitted(system, signing_request(instance_id=UNKNOWN_INSTANCE))
        system.aws.fail_next("ChangeMessageVisibilityBatch", "AccessDenied", times=10)
        assert failed(deliver(system)) == 1
        assert "a message comes back later than asked" in [line["message"] for line in system.log]
        assert system.aws.fast_forward(system.csr_queue) == pytest.approx(120, abs=2)


def unverifiable_role(document: dict[str, Any]) -> None:
    profile = document["InstanceProfiles"][0]
    profile["Roles"][0] |= {"RoleName": "OtherRole", "Arn": "arn:aws:iam::111122223333:role/OtherRole"}


@pytest.mark.parametrize(
    ("world", "request_made", "reason"),
    [
        pytest.param(default_world, foreign, Reason.ADDRESS_NOT_OF_INSTANCE, id="EC2"),
        pytest.param(
            lambda: with_document("instance_profiles", unverifiable_role),
            signing_request,
            Reason.ROLE_NOT_OF_INSTANCE,
            id="IAM",
        ),
    ],
)
def test_in_the_first_minute_nothing_is_denied_that_rests_on(
    world: Callable[[], Any], request_made: Callable[..., dict[str, Any]], reason: Reason
) -> None:
    with System(world()) as system:
        young = submitted(system, request_made(age_seconds=10))
        old = submitted(system, request_made(age_seconds=61))
        assert failed(deliver(system)) == 1
        assert stored(system, young) == young
        assert [line["effect"] for line in system.decisions] == ["postponed", "denied"]
        assert ending_of(system, old).written == f"Denied: {reason}"


def test_in_the_first_minute_nothing_is_denied_that_rests_on_dns(tmp_path: Any) -> None:
    zone = f"$TTL 60\n{NODE_NAME}. A {FOREIGN_ADDRESS}\n"
    with System(with_zone(zone, tmp_path)) as system:
        young = submitted(system, signing_request(age_seconds=10))
        old = submitted(system, signing_request(age_seconds=61))
        assert failed(deliver(system)) == 1
        assert stored(system, young) == young
        assert ending_of(system, old).written == "Denied: NameResolvesElsewhere"


def test_a_fault_in_the_request_itself_is_denied_at_once() -> None:
    with System(default_world()) as system:
        young = submitted(system, signing_request(age_seconds=0, spec={"usages": ["client auth"]}))
        system.run()
        assert ending_of(system, young) == denied(Reason.USAGES_NOT_PERMITTED)
        assert len(system.invocations) == 1


def test_a_denial_that_waits_its_minute_is_not_counted_as_a_decision() -> None:
    with System(default_world()) as system:
        young = submitted(system, foreign(age_seconds=10))
        deliver(system)
        assert ending_of(system, young) == POSTPONED
        assert [metric["DenialsPostponed"] for metric in system.metrics] == [[1.0]]


def test_a_denial_waits_for_its_minute_and_is_then_written() -> None:
    with System(default_world()) as system:
        waiting = submitted(system, foreign(age_seconds=50))
        assert failed(deliver(system)) == 1
        # The clock is the machine's, so the request is made older instead of waited for.
        older = foreign(age_seconds=70)["metadata"]["creationTimestamp"]
        aged = system.cluster.load({**waiting, "metadata": {**waiting["metadata"], "creationTimestamp": older}})
        system.run()
        assert ending_of(system, dict(aged)) == denied(Reason.ADDRESS_NOT_OF_INSTANCE)


def test_a_denial_whose_cause_is_gone_by_then_is_an_approval() -> None:
    def with_the_address(instance: dict[str, Any]) -> None:
        instance["NetworkInterfaces"][0]["PrivateIpAddresses"][0]["PrivateIpAddress"] = FOREIGN_ADDRESS

    with System(default_world()) as system:
        young = submitted(system, signing_request(FOREIGN_ADDRESS, age_seconds=10))
        assert failed(deliver(system)) == 1
        system.aws.put_instances(with_instance(with_the_address, INSTANCE_ID).instances)
        system.run()
        assert ending_of(system, young) == APPROVED
        assert [line["verdict"] for line in system.decisions] == ["Deny", "Approve"]


def test_a_request_whose_instance_appears_by_then_is_approved() -> None:
    with System(default_world()) as system:
        system.aws.put_instances({"Reservations": []})
        early = submitted(system, signing_request())
        deliver(system)
        assert ending_of(system, early) == left(Reason.INSTANCE_NOT_FOUND)
        system.aws.put_instances(default_world().instances)
        system.run()
        assert ending_of(system, early) == APPROVED


def test_the_same_pointer_twice_in_a_batch_is_one_request() -> None:
    with System(default_world()) as system:
        request = submitted(system, foreign())
        system.send(system.pointer(request["metadata"]["name"], request["metadata"]["uid"]))
        system.run()
        assert ending_of(system, request) == denied(Reason.ADDRESS_NOT_OF_INSTANCE)
        assert [method for method, _, _ in system.kubernetes.requests] == ["GET", "PUT"]


def test_a_pointer_that_is_delivered_again_changes_nothing() -> None:
    with System(default_world()) as system:
        request = submitted(system, signing_request())
        system.run()
        approved = stored(system, request)
        system.send(system.pointer(request["metadata"]["name"], request["metadata"]["uid"]))
        system.run()
        assert stored(system, request) == approved
        assert [line["reasons"] for line in system.decisions] == [[], [Reason.ALREADY_DECIDED]]


@pytest.mark.parametrize("setting", [{"mode": "observe"}, {"deny": "false"}], ids=["mode=observe", "deny=false"])
def test_a_denial_is_only_recorded_with(setting: dict[str, str]) -> None:
    with System(default_world(), setting) as system:
        request = submitted(system, foreign())
        system.run()
        assert ending_of(system, request) == Ending("Deny", (Reason.ADDRESS_NOT_OF_INSTANCE,), NOTHING, records=1)
        assert [record["written"] for record in system.denials] == [False]


def test_approvals_are_written_all_the_same_with_deny_false() -> None:
    with System(default_world(), {"deny": "false"}) as system:
        request = submitted(system, signing_request())
        system.run()
        assert ending_of(system, request) == APPROVED


def test_a_denial_rests_on_no_role_that_was_remembered() -> None:
    def other_role(document: dict[str, Any]) -> None:
        role = document["InstanceProfiles"][0]["Roles"][0]
        role |= {"RoleName": "OtherRole", "Arn": role["Arn"].replace("NodeRole", "OtherRole")}

    with System(with_document("instance_profiles", other_role)) as system:
        before, after = signing_request(), signing_request()
        system.submit(before)
        system.run()
        assert ending_of(system, before) == denied(Reason.ROLE_NOT_OF_INSTANCE)
        system.aws.put_instance_profiles(default_world().instance_profiles)
        system.submit(after)
        system.run()
        assert ending_of(system, after) == APPROVED
