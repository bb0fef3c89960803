"""From a node that boots to its certificate, with nothing left out but AWS itself.

A real API server and signer, the shipped RBAC, the watcher, the queue, the handlers. A node is who the authenticator
says it is, and asks for its certificate as a kubelet does.
"""

import base64
import ssl
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from csr_approver.policy.names import parse_address
from csr_approver_local.pki import private_key_pem
from tests.contract.api_server.kubelet_requests import encoded, serving_request
from tests.integration.plane import Plane, product
from tests.support.requests import ADDRESS, INSTANCE_ID, NODE_NAME
from tests.support.worlds import default_world
from tests.watcher.harness import wait_until

SECONDS = 30.0
BY_HAND = {"type": "Approved", "status": "True", "reason": "ByHand", "message": "by the test"}


class Node:
    """An instance that boots. `names` are what it asks for, DNS names and addresses."""

    def __init__(self, plane: Plane, *names: str, node_name: str = NODE_NAME, instance_id: str = INSTANCE_ID) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._node_name, self._names = node_name, names
        self._client = plane.control.instance(node_name, instance_id)

    def ask(self) -> None:
        """As a kubelet does, again until it is answered."""
        addresses = [x509.IPAddress(address) for name in self._names if (address := parse_address(name))]
        names = [x509.DNSName(name) for name in self._names if not parse_address(name)]
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes")
        common_name = x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{self._node_name}")
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([organisation, common_name]))
            .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        body = serving_request(self._node_name, request=encoded(request.public_bytes(Encoding.PEM)))
        answer = self._client.create(body)
        assert answer.status == 201, answer
        self.name, self.uid = answer.body["metadata"]["name"], answer.body["metadata"]["uid"]

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._client.get(self.name).body.get("status", {})
        return status

    @property
    def decision(self) -> str:
        """Type and reason of the first condition; empty while it is pending."""
        conditions = self.status.get("conditions", [])
        return f"{conditions[0]['type']}: {conditions[0]['reason']}" if conditions else ""

    @property
    def certificate(self) -> bytes:
        """PEM; empty until it is issued."""
        return base64.b64decode(self.status.get("certificate", ""))


def test_a_node_gets_its_certificate_and_serves_with_it(plane: Plane, tmp_path: Path) -> None:
    node = Node(plane, NODE_NAME, ADDRESS)
    with product(plane, tmp_path, default_world()) as system:
        node.ask()
        wait_until(lambda: node.certificate, SECONDS)
        assert node.decision == "Approved: NodeVerified"
        assert system.denials == []
    for name in (NODE_NAME, ADDRESS):
        assert handshake(node, name, plane.client_context())
    assert not handshake(node, "kubernetes", plane.client_context())


def test_a_node_that_asks_for_more_is_denied_and_on_record(plane: Plane, tmp_path: Path) -> None:
    node = Node(plane, NODE_NAME, ADDRESS, "kubernetes.default.svc")
    with product(plane, tmp_path, default_world()) as system:
        node.ask()
        wait_until(lambda: node.decision, SECONDS)
        wait_until(lambda: system.denials, SECONDS)
        (denial,) = system.denials
        assert node.decision == "Denied: ReservedIdentity"
        assert (denial["uid"], denial["reason"]) == (node.uid, "ReservedIdentity")
        assert not node.certificate


def test_an_approval_by_somebody_else_is_not_touched(plane: Plane, tmp_path: Path) -> None:
    node = Node(plane, NODE_NAME, ADDRESS)
    node.ask()
    with plane.control.client("admin") as admin:
        document = admin.get(node.name).body
        document["status"]["conditions"] = [BY_HAND]
        assert admin.put_approval(document).status == 200
    with product(plane, tmp_path, default_world()) as system:
        wait_until(lambda: node.certificate, SECONDS)
        assert node.decision == "Approved: ByHand"
        assert system.denials == []


def test_what_the_signer_refuses_after_an_approval_is_on_record(plane: Plane, tmp_path: Path) -> None:
    """A request that no kubelet would make, approved by hand."""
    with plane.control.client("admin") as admin:
        body = serving_request("nobody", usages=["digital signature", "client auth"])
        document = admin.create(body).body
        name = document["metadata"]["name"]
        document["status"]["conditions"] = [BY_HAND]
        assert admin.put_approval(document).status == 200
        wait_until(lambda: len(admin.get(name).body["status"]["conditions"]) == 2, SECONDS)
    with product(plane, tmp_path, default_world()) as system:
        wait_until(lambda: system.troubles, SECONDS)
        (trouble,) = system.troubles
        assert (trouble["name"], trouble["trouble"], trouble["node"]) == (name, "FailedBySigner", None)
        assert trouble["detail"].startswith("SignerValidationFailure")


def handshake(node: Node, name: str, client: ssl.SSLContext) -> bool:
    """Whether the client accepts what the node presents, for this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(private_key_pem(node.key) + node.certificate)
        file.flush()
        server.load_cert_chain(file.name)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    try:
        for _ in range(10):
            done = [_step(side) for side in (client_side, server_side)]
            if all(done):
                return True
    except ssl.SSLCertVerificationError:
        return False
    raise AssertionError("the handshake did not end")


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
