"""The function answers before its time is over, with the messages failed, and writes nothing afterwards."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from csr_approver_local.dns_answers import Slow
from csr_approver_local.system import System
from tests.support.delivering import deliver
from tests.support.endings import APPROVED, NOTHING, ending_of, troubles
from tests.support.requests import NODE_NAME, signing_request
from tests.support.worlds import default_world

# Of these, the function keeps two for closing: one second is left for reviewing.
TIMEOUT_SECONDS = 3.0
DELAY_SECONDS = 2.0


def slow_system(slow_dns: bool = False) -> System:
    behaviours = {NODE_NAME: Slow(DELAY_SECONDS)} if slow_dns else {}
    return System(default_world(), behaviours=behaviours, timeout_seconds=TIMEOUT_SECONDS)


def slow_ec2(system: System) -> None:
    system.aws.delay_next("DescribeInstances", DELAY_SECONDS)


def slow_api_server(system: System) -> None:
    system.kubernetes.delay("GET", "", DELAY_SECONDS)


def quick(_: System) -> None:
    """Nothing is in the way, but perhaps the resolver."""


@pytest.mark.parametrize(
    ("slow", "slow_dns"),
    [
        pytest.param(slow_ec2, False, id="EC2"),
        pytest.param(slow_api_server, False, id="the API server"),
        pytest.param(quick, True, id="the resolver"),
    ],
)
def test_the_request_comes_back_untouched_if_too_slow_is(slow: Callable[[System], None], slow_dns: bool) -> None:
    with slow_system(slow_dns) as system:
        request = system.cluster.stored(system.submit(signing_request())) or {}
        slow(system)
        invocation = deliver(system)
        assert invocation.error is None
        assert len(invocation.result["batchItemFailures"]) == 1
        assert [line["effect"] for line in system.decisions] == ["out-of-time"]
        time.sleep(DELAY_SECONDS)
        assert ending_of(system, request).written == NOTHING
        assert troubles(system) == []


def test_what_came_too_late_is_approved_at_the_next_delivery() -> None:
    with slow_system() as system:
        request = system.cluster.stored(system.submit(signing_request())) or {}
        slow_ec2(system)
        system.run()
        assert system.decisions[0]["effect"] == "out-of-time"
        assert ending_of(system, request) == APPROVED


def test_a_slow_name_keeps_no_other_request_from_being_decided_in_time() -> None:
    def quick_request() -> dict[str, Any]:
        return signing_request(
            "10.0.1.25", node_name="ip-10-0-1-25.us-west-2.compute.internal", instance_id="i-0123456789abcdef1"
        )

    with slow_system(slow_dns=True) as system:
        # The first invocation makes the connections.
        system.submit(quick_request())
        system.run()
        slow = system.cluster.stored(system.submit(signing_request())) or {}
        quickly = system.cluster.stored(system.submit(quick_request())) or {}
        deliver(system)
        assert ending_of(system, slow).written == NOTHING
        assert ending_of(system, quickly) == APPROVED
