"""What goes wrong around a request disproves nothing: it stays as it is, and is decided when the fault is over."""

from collections.abc import Callable
from typing import Any

import pytest

from csr_approver.policy.reason import Reason
from csr_approver_local.system import System
from tests.support.delivering import deliver
from tests.support.endings import APPROVED, NOTHING, denied, ending_of, troubles
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

UNKNOWN_INSTANCE = "i-0fffffffffffffff0"
ATTEMPTS = 2  # of boto3, for one call


def submitted(system: System, request: dict[str, Any] | None = None) -> dict[str, Any]:
    return system.cluster.stored(system.submit(request or signing_request())) or {}


def foreign() -> dict[str, Any]:
    return signing_request(NODE_NAME, "10.0.1.24")


def aws_fault(operation: str, code: str) -> Callable[[System], None]:
    return lambda system: system.aws.fail_next(operation, code, times=ATTEMPTS)


def api_fault(method: str, suffix: str, status: int) -> Callable[[System], None]:
    return lambda system: system.kubernetes.fail_next(method, suffix, status)


UNREADABLE_FAULTS = {
    "EC2 throttles": (aws_fault("DescribeInstances", "RequestLimitExceeded"), Reason.INSTANCE_UNREADABLE),
    "EC2 forbids": (aws_fault("DescribeInstances", "UnauthorizedOperation"), Reason.INSTANCE_UNREADABLE),
    "EC2 is not well": (aws_fault("DescribeInstances", "InternalError"), Reason.INSTANCE_UNREADABLE),
    "IAM throttles the profile": (aws_fault("GetInstanceProfile", "Throttling"), Reason.INSTANCE_PROFILE_UNREADABLE),
    "IAM forbids the profile": (aws_fault("GetInstanceProfile", "AccessDenied"), Reason.INSTANCE_PROFILE_UNREADABLE),
    "IAM throttles the role": (aws_fault("GetRole", "Throttling"), Reason.TRUST_POLICY_UNREADABLE),
    "IAM forbids the role": (aws_fault("GetRole", "AccessDenied"), Reason.TRUST_POLICY_UNREADABLE),
    "EKS forbids": (aws_fault("DescribeCluster", "AccessDeniedException"), Reason.CLUSTER_UNREADABLE),
    "EKS is not well": (aws_fault("DescribeCluster", "ServerException"), Reason.CLUSTER_UNREADABLE),
    "EKS does not know the cluster": (
        aws_fault("DescribeCluster", "ResourceNotFoundException"),
        Reason.CLUSTER_UNREADABLE,
    ),
    "the API server forbids reading": (api_fault("GET", "", 403), Reason.REQUEST_UNREADABLE),
    "the API server does not know us": (api_fault("GET", "", 401), Reason.REQUEST_UNREADABLE),
    "the API server fails to read": (api_fault("GET", "", 500), Reason.REQUEST_UNREADABLE),
    "the API server is overloaded": (api_fault("GET", "", 429), Reason.REQUEST_UNREADABLE),
    "the API server is away": (api_fault("GET", "", 503), Reason.REQUEST_UNREADABLE),
}


@pytest.mark.parametrize("sentence", UNREADABLE_FAULTS)
def test_the_request_is_left_and_approved_later_when(sentence: str) -> None:
    fault, reason = UNREADABLE_FAULTS[sentence]
    with System(default_world()) as system:
        request = submitted(system)
        fault(system)
        deliver(system)
        assert [(line["verdict"], line["reasons"]) for line in system.decisions] == [("Undetermined", [reason])]
        assert ending_of(system, request).written == NOTHING
        system.run()
        assert ending_of(system, request) == APPROVED
        assert troubles(system) == []


@pytest.mark.parametrize("status", [403, 500, 503])
@pytest.mark.parametrize(
    ("request_made", "ending"),
    [
        pytest.param(signing_request, APPROVED, id="approval"),
        pytest.param(foreign, denied(Reason.ADDRESS_NOT_OF_INSTANCE), id="denial"),
    ],
)
def test_a_decision_that_the_api_server_does_not_take_is_written_later(
    status: int, request_made: Callable[[], dict[str, Any]], ending: Any
) -> None:
    with System(default_world()) as system:
        request = submitted(system, request_made())
        system.kubernetes.fail_next("PUT", "/approval", status)
        deliver(system)
        assert [line["effect"] for line in system.decisions] == ["write-failed"]
        assert ending_of(system, request).written == NOTHING
        system.run()
        assert ending_of(system, request) == ending
        assert troubles(system) == []


def test_an_approver_that_may_not_approve_gives_up_and_denies_nothing() -> None:
    with System(default_world()) as system:
        request = submitted(system)
        system.kubernetes.fail_next("PUT", "/approval", 403, times=100)
        system.run()
        assert [line["effect"] for line in system.decisions] == ["write-failed"] * 4
        assert ending_of(system, request).written == NOTHING
        assert troubles(system) == []


def test_an_api_server_that_is_down_harms_nothing() -> None:
    with System(default_world()) as system:
        request = submitted(system)
        nobody = "https://127.0.0.1:9"
        system.aws.put_cluster(default_world().cluster, endpoint=nobody, ca_pem=system.kubernetes.ca_pem)
        system.run()
        assert [line["reasons"] for line in system.decisions] == [[Reason.REQUEST_UNREADABLE]] * 4
        assert ending_of(system, request).written == NOTHING
        assert troubles(system) == []


def test_an_api_server_with_another_certificate_is_not_spoken_to() -> None:
    with System(default_world()) as system:
        submitted(system)
        # The sample's own authority, which is no certificate at all.
        system.aws.put_cluster(default_world().cluster, endpoint=system.kubernetes.url)
        system.run()
        assert [line["verdict"] for line in system.decisions] == ["Undetermined"] * 4
        assert system.kubernetes.requests == []
        assert troubles(system) == []


def test_one_unknown_instance_in_a_batch_harms_no_other() -> None:
    with System(default_world()) as system:
        known, unknown = submitted(system), submitted(system, signing_request(instance_id=UNKNOWN_INSTANCE))
        deliver(system)
        assert ending_of(system, known) == APPROVED
        assert ending_of(system, unknown).reasons == (Reason.INSTANCE_NOT_FOUND,)
        calls = [call.params for call in system.aws.calls if call.operation == "DescribeInstances"]
        assert ["InstanceIds" in call for call in calls] == [True, False]


def test_a_denial_that_cannot_be_recorded_is_not_written() -> None:
    with System(default_world()) as system:
        refused, taken = submitted(system, foreign()), submitted(system)
        system.aws.fail_next("SendMessage", "AccessDenied", times=ATTEMPTS)
        deliver(system)
        assert ending_of(system, refused).written == NOTHING
        assert ending_of(system, taken) == APPROVED
        system.run()
        assert ending_of(system, refused) == denied(Reason.ADDRESS_NOT_OF_INSTANCE)
        assert troubles(system) == []


def unthinkable() -> dict[str, Any]:
    """No API server prints a status of null: it stands for whatever nobody thought of."""
    return signing_request() | {"status": None}


def test_what_nobody_thought_of_goes_to_the_dead_letter_queue_and_harms_no_neighbour() -> None:
    with System(default_world()) as system:
        bad, good = submitted(system, unthinkable()), submitted(system)
        system.run()
        assert system.dead_letters == 1
        assert ending_of(system, good) == APPROVED
        assert system.cluster.stored(bad["metadata"]["name"]) == bad
        effects = [line["effect"] for line in system.decisions if line["uid"] == bad["metadata"]["uid"]]
        assert effects == ["error"] * 5
        assert not any(invocation.error for invocation in system.invocations)
