"""One delivery from the CSR queue at a time, with no skipping of time."""

from csr_approver_local.lambda_runtime import Invocation
from csr_approver_local.system import System


def deliver(system: System) -> Invocation:
    """Let the approver have what is visible on the queue now; fails if nothing is."""
    invocation = system.approver_source.poll_once()
    assert invocation is not None
    system.invocations.append(invocation)
    return invocation


def failed(invocation: Invocation) -> int:
    """How many messages it wants to see again."""
    return len(invocation.result["batchItemFailures"])
