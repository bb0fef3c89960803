"""A cluster with the shipped rights and a signer, and the product at work on it."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from csr_approver_local.system import WATCHER, System
from csr_approver_local.world import World
from csr_watcher.api import connect
from csr_watcher.settings import Listen, Settings
from csr_watcher.watcher import Watcher
from tests.controlplane import ControlPlane, Identity
from tests.support.kustomize import DEPLOY, render

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Plane:
    """`assets` is the folder of its programs, `authority` the certificate of the CA that its signer signs with, PEM."""

    assets: Path
    control: ControlPlane
    authority: bytes

    def client_context(self) -> ssl.SSLContext:
        """Of a client that trusts the cluster's CA."""
        context = ssl.create_default_context(cadata=self.authority.decode())
        # Python 3.13 is stricter by default than the signer of Kubernetes, whose certificates name no authority key.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


@contextmanager
def start_plane(assets: Path, directory: Path) -> Iterator[Plane]:
    """With the rights of watcher/deploy and no others. Skips the test where there is no signer among the assets."""
    if not (assets / "kube-controller-manager").is_file():
        pytest.skip(f"no kube-controller-manager in {assets}")
    identities = {
        "watcher": Identity(WATCHER.username, WATCHER.groups[:2]),
        "approver": Identity("csr-approver-function", ("csr-approver",)),
    }
    with ControlPlane(assets, directory, identities) as control:
        with control.client("admin") as admin:
            for document in render(DEPLOY).of("ClusterRole", "ClusterRoleBinding"):
                assert admin.call("POST", f"{RBAC}/{document['kind'].lower()}s", document).status == 201
        yield Plane(assets, control, control.start_signer())


@contextmanager
def product(plane: Plane, folder: Path, world: World) -> Iterator[System]:
    """Watcher, queues and functions at work."""
    approver, watching = folder / "approver.kubeconfig", folder / "watcher.kubeconfig"
    for path, role in ((approver, "approver"), (watching, "watcher")):
        path.write_text(json.dumps(plane.control.kubeconfig(plane.control.token(role))))
    stopping = threading.Event()
    with System(world, kubeconfig=str(approver)) as system:
        settings = Settings(world.cluster_name, system.csr_queue, listen=Listen("127.0.0.1", 0))
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
