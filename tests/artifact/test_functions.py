"""The built functions with messages that are no requests, with settings that are wrong, and out of time."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csr_approver.message import heartbeat_message
from csr_approver_local.lambda_runtime import FunctionError, Invocation
from csr_approver_local.system import System
from tests.artifact.built import BuiltFunctions
from tests.support.endings import APPROVED, ending_of, troubles
from tests.support.heartbeats import heartbeat, troubled
from tests.support.requests import CLUSTER, signing_request
from tests.support.worlds import default_world

TIMEOUT_SECONDS = 3.0


@pytest.fixture
def system(functions: BuiltFunctions) -> Iterator[System]:
    """The whole system, with the built functions in it."""
    with System(default_world(), timeout_seconds=TIMEOUT_SECONDS, load=functions.load) as system:
        yield system


def test_a_heartbeat_is_counted_and_its_trouble_recorded(system: System) -> None:
    system.send(heartbeat_message(CLUSTER, heartbeat(troubled())))
    system.run()
    assert [line["level"] for line in system.log if line["message"] == "heartbeat"] == ["INFO"]
    assert [metric["PendingRequests"] for metric in system.metrics] == [[3.0]]
    assert [record["uid"] for record in system.troubles] == [troubled().uid]
    assert troubles(system) == []


def test_a_malformed_message_is_dropped_and_the_request_beside_it_is_approved(system: System) -> None:
    system.send("?")
    system.send(json.dumps({"kind": "csr", "cluster": CLUSTER, "name": "../nodes/a", "uid": "1"}))
    request = submitted(system)
    system.run()
    assert [line["level"] for line in system.log if line["message"] == "message dropped"] == ["WARNING"] * 2
    assert [metric["MalformedMessages"] for metric in system.metrics if "MalformedMessages" in metric] == [[2.0]]
    assert ending_of(system, request) == APPROVED
    assert troubles(system) == []


def test_a_wrong_setting_is_told_by_name_in_one_line_and_no_message_is_lost(functions: BuiltFunctions) -> None:
    with System(default_world(), {"dns-chek": "off"}, load=functions.load) as system:
        request = submitted(system)
        invocation = delivered(system)
        error = failure(invocation)
        assert error.error_type == "SettingsError"
        assert "dns-chek" in error.message
        assert "\n" not in error.message
        assert len([line for line in invocation.log_lines if error.message in line]) == 1
        assert system.aws.messages(system.csr_queue)
        assert system.cluster.stored(request["metadata"]["name"]) == request


def test_an_event_that_is_no_batch_is_a_function_error_and_the_process_lives_on(
    functions: BuiltFunctions, system: System
) -> None:
    system.submit(signing_request())
    delivered(system)
    (approver,) = functions.started
    before = approver.process_id
    error = failure(approver.invoke({}))
    assert (error.error_type, error.message) == ("KeyError", "'Records'")
    assert any("app.py" in frame for frame in error.stack_trace)
    assert approver.process_id == before


def test_what_runs_out_of_time_is_killed_and_its_messages_come_back_to_a_new_process(
    functions: BuiltFunctions, system: System
) -> None:
    system.submit(signing_request())
    delivered(system)
    request = submitted(system)
    first = frozen(functions)
    error = failure(delivered(system))
    assert error.error_type == "Sandbox.Timedout"
    assert error.message.endswith("Task timed out after 3.00 seconds")
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    system.run()
    assert ending_of(system, request) == APPROVED


def test_what_dies_takes_no_message_with_it(functions: BuiltFunctions, system: System) -> None:
    system.submit(signing_request())
    delivered(system)
    request = submitted(system)
    os.kill(frozen(functions), signal.SIGKILL)
    assert failure(delivered(system)).error_type == "Runtime.ExitError"
    system.run()
    assert ending_of(system, request) == APPROVED


def submitted(system: System) -> Mapping[str, Any]:
    return system.cluster.stored(system.submit(signing_request())) or {}


def delivered(system: System) -> Invocation:
    invocation = system.approver_source.poll_once()
    assert invocation is not None
    return invocation


def failure(invocation: Invocation) -> FunctionError:
    assert invocation.error is not None
    return invocation.error


def frozen(functions: BuiltFunctions) -> int:
    """The id of the approver's process, which does nothing any more."""
    process_id = functions.started[0].process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    return process_id
