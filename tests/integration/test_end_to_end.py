"""From a node that boots to its certificate, with nothing left out but AWS itself.

A real API server and signer, the shipped RBAC, the watcher, the queue, the handlers. A node is who the authenticator
says it is, and asks for its certificate as a kubelet does.
"""

import base64
import json
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from csr_approver.policy.names import parse_address
from csr_approver_local.pki import private_key_pem
from csr_approver_local.system import WATCHER, System
from csr_watcher.api import connect
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher
from tests.api_client import ApiClient
from tests.contract.api_server.kubelet_requests import encoded, serving_request
from tests.controlplane import AssetsNotFoundError, ControlPlane, Identity, find_assets
from tests.support.kustomize import DEPLOY, render
from tests.support.requests import ADDRESS, CLUSTER, INSTANCE_ID, NODE_NAME
from tests.support.worlds import default_world
from tests.token_reviews import TokenReviews
from tests.watcher.harness import wait_until

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SECONDS = 30.0
BY_HAND = {"type": "Approved", "status": "True", "reason": "ByHand", "message": "by the test"}


@dataclass(frozen=True, slots=True)
class Plane:
    """A cluster with a signer; `authority` is the CA's certificate, PEM."""

    control: ControlPlane
    tokens: TokenReviews
    authority: bytes


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """With the rights of watcher/deploy and no others."""
    try:
        assets = find_assets()
    except AssetsNotFoundError as error:
        pytest.skip(str(error))
    if not (assets / "kube-controller-manager").is_file():
        pytest.skip(f"no kube-controller-manager in {assets}")
    manifests = render(DEPLOY)
    identities = {
        "watcher": Identity(WATCHER.username, WATCHER.groups[:2]),
        "approver": Identity("csr-approver-function", ("csr-approver",)),
    }
    with TokenReviews() as tokens, ExitStack() as stack:
        directory = tmp_path_factory.mktemp("controlplane")
        control = stack.enter_context(ControlPlane(assets, directory, identities, tokens.url))
        with control.client("admin") as admin:
            for document in manifests.of("ClusterRole", "ClusterRoleBinding"):
                assert admin.call("POST", f"{RBAC}/{document['kind'].lower()}s", document).status == 201
        yield Plane(control, tokens, control.start_signer())


class Node:
    """An instance that boots. `names` are what it asks for, DNS names and addresses."""

    def __init__(self, plane: Plane, *names: str, node_name: str = NODE_NAME, instance_id: str = INSTANCE_ID) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._node_name, self._names = node_name, names
        token = plane.tokens.token(node_name, instance_id)
        self._client = ApiClient(plane.control.url, plane.control.ca_pem, token)

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


@contextmanager
def product(plane: Plane, folder: Path) -> Iterator[System]:
    """Watcher, queues and functions at work."""
    approver, watching = folder / "approver.kubeconfig", folder / "watcher.kubeconfig"
    for path, role in ((approver, "approver"), (watching, "watcher")):
        path.write_text(json.dumps(plane.control.kubeconfig(plane.control.token(role))))
    stopping = threading.Event()
    with System(default_world(), kubeconfig=str(approver)) as system:
        settings = Settings(CLUSTER, system.csr_queue, listen=Listen("127.0.0.1", 0))
        watcher = Watcher(settings, connect(str(watching)), system.sqs, "csr-watcher-0")
        sources = (system.approver_source, system.recorder_source)

        def work() -> None:
            while not stopping.is_set():
                for source in sources:
                    if invocation := source.poll_once():
                        assert invocation.error is None
                time.sleep(0.02)

        worker = threading.Thread(target=work)
        watcher.start()
        worker.start()
        try:
            yield system
        finally:
            stopping.set()
            worker.join()
            watcher.stop()


def test_a_node_gets_its_certificate_and_serves_with_it(plane: Plane, tmp_path: Path) -> None:
    node = Node(plane, NODE_NAME, ADDRESS)
    with product(plane, tmp_path) as system:
        node.ask()
        wait_until(lambda: node.certificate, SECONDS)
        assert node.decision == "Approved: NodeVerified"
        assert system.denials == []
    for name in (NODE_NAME, ADDRESS):
        assert handshake(node, name, plane.authority)
    assert not handshake(node, "kubernetes", plane.authority)


def test_a_node_that_asks_for_more_is_denied_and_on_record(plane: Plane, tmp_path: Path) -> None:
    node = Node(plane, NODE_NAME, ADDRESS, "kubernetes.default.svc")
    with product(plane, tmp_path) as system:
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
    with product(plane, tmp_path) as system:
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
    with product(plane, tmp_path) as system:
        wait_until(lambda: system.troubles, SECONDS)
        (trouble,) = system.troubles
        assert (trouble["name"], trouble["trouble"], trouble["node"]) == (name, "FailedBySigner", None)
        assert trouble["detail"].startswith("SignerValidationFailure")


def handshake(node: Node, name: str, authority: bytes) -> bool:
    """Whether a client that trusts the cluster's CA accepts what the node presents, for this name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(private_key_pem(node.key) + node.certificate)
        file.flush()
        server.load_cert_chain(file.name)
    client = ssl.create_default_context(cadata=authority.decode())
    # Python 3.13 is stricter by default than the signer of Kubernetes, whose certificates name no authority key.
    client.verify_flags &= ~ssl.VERIFY_X509_STRICT
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
