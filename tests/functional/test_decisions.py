"""From the message on the queue to the decision in the cluster and the record in CloudWatch."""

from csr_approver_local.system import System
from tests.support.requests import signing_request
from tests.support.worlds import default_world


def test_a_nodes_own_name_and_address_are_approved() -> None:
    request = signing_request()
    with System(default_world()) as system:
        name = system.submit(request)
        system.run()
        (condition,) = (system.cluster.stored(name) or {})["status"]["conditions"]
        assert condition["type"] == "Approved"
        assert condition["reason"] == "NodeVerified"
        assert system.denials == []
