"""What the metrics tell of requests that stay undetermined: for how long, and whether somebody gave no answer."""

from collections.abc import Callable

import pytest

from csr_approver_local.system import System
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

UNKNOWN_INSTANCE = "i-0fffffffffffffff0"
ATTEMPTS = 2  # of boto3, for one call


def deliver(system: System) -> None:
    invocation = system.approver_source.poll_once()
    assert invocation is not None
    system.invocations.append(invocation)


def counted(system: System, name: str) -> list[float]:
    return [value for line in system.metrics for value in line.get(name, [])]


def aws(operation: str, code: str) -> Callable[[System], None]:
    return lambda system: system.aws.fail_next(operation, code, times=ATTEMPTS)


NO_ANSWER: dict[str, Callable[[System], None]] = {
    "EC2 throttles": aws("DescribeInstances", "RequestLimitExceeded"),
    "EC2 forbids": aws("DescribeInstances", "UnauthorizedOperation"),
    "EKS forbids": aws("DescribeCluster", "AccessDeniedException"),
    "IAM forbids the profile": aws("GetInstanceProfile", "AccessDenied"),
    "IAM throttles the role": aws("GetRole", "Throttling"),
    "the API server forbids": lambda system: system.kubernetes.fail_next("GET", "", 403),
}


@pytest.mark.parametrize("sentence", NO_ANSWER)
def test_a_source_without_an_answer_is_counted_when(sentence: str) -> None:
    with System(default_world()) as system:
        system.submit(signing_request())
        NO_ANSWER[sentence](system)
        deliver(system)
        assert counted(system, "SourceUnreadable") == [1]
        system.run()
        verdicts = [line["verdict"] for line in system.decisions]
        assert verdicts[-1] == "Approve"
        assert len(counted(system, "SourceUnreadable")) == verdicts.count("Undetermined")


def test_every_request_that_waits_for_ec2_counts() -> None:
    with System(default_world()) as system:
        for _ in range(3):
            system.submit(signing_request())
        system.aws.fail_next("DescribeInstances", "RequestLimitExceeded", times=ATTEMPTS)
        deliver(system)
        assert counted(system, "SourceUnreadable") == [3]
        assert len(counted(system, "UndeterminedSeconds")) == 3


def test_an_answer_that_leaves_a_request_undetermined_is_an_answer() -> None:
    with System(default_world()) as system:
        system.submit(signing_request(instance_id=UNKNOWN_INSTANCE))
        deliver(system)
        assert counted(system, "SourceUnreadable") == []


def test_the_age_of_an_undetermined_request_is_told_at_each_attempt() -> None:
    with System(default_world()) as system:
        system.submit(signing_request(instance_id=UNKNOWN_INSTANCE, age_seconds=600))
        system.run()
        ages = counted(system, "UndeterminedSeconds")
        assert len(ages) == 4
        assert all(600 <= age < 700 for age in ages)


def test_no_other_verdict_has_an_undetermined_age() -> None:
    with System(default_world()) as system:
        system.submit(signing_request())
        system.submit(signing_request(NODE_NAME, "10.0.1.24"))
        system.submit(signing_request(NODE_NAME, "10.0.1.24", age_seconds=5))
        system.run()
        assert counted(system, "UndeterminedSeconds") == []
        assert len(counted(system, "CreatedToDecidedSeconds")) == 2
