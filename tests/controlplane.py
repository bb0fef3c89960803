"""A real etcd and kube-apiserver on loopback, for the tests that must not take a fake's word.

The binaries are those that `setup-envtest` installs; nothing is downloaded here.
"""

import base64
import json
import os
import secrets
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from csr_approver_local.pki import loopback_server_identity, new_authority
from tests.api_client import ApiClient
from tests.token_reviews import TokenReviews

KUBELET_SERVING = "kubernetes.io/kubelet-serving"
_GROUP = "certificates.k8s.io"
_CSRS = "certificatesigningrequests"
_START_SECONDS = 120.0
_PLATFORM = "-linux-amd64"
# Older ones let a node ask for another node's certificate (NodeRestriction).
_OLDEST = (1, 31)


class AssetsNotFoundError(LookupError):
    """No etcd and kube-apiserver on this machine; the text says where they were looked for."""


class ControlPlaneError(RuntimeError):
    """etcd or kube-apiserver did not start; the text ends with the tail of its log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a static token stands for, and the RBAC rules that he is bound to."""

    username: str
    groups: tuple[str, ...] = ()
    rules: tuple[Mapping[str, list[str]], ...] = ()
    token: str = field(default_factory=lambda: secrets.token_hex(16))


def find_versions() -> list[Path]:
    """The folders with etcd and kube-apiserver of the oldest and the newest Kubernetes here, in this order; or the one.

    Who sets KUBEBUILDER_ASSETS has chosen a version, as with envtest: it is the only one. Else they are looked for in
    setup-envtest's store, in what it names after a version from 1.31 on. Raises AssetsNotFoundError.
    """
    configured = os.environ.get("KUBEBUILDER_ASSETS")
    data_home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    store = data_home / "kubebuilder-envtest" / "k8s"
    stored = sorted((_version(folder), folder) for folder in store.glob(f"*{_PLATFORM}"))
    folders = [Path(configured)] if configured else [folder for version, folder in stored if version >= _OLDEST]
    whole = [folder for folder in folders if all((folder / name).is_file() for name in ("etcd", "kube-apiserver"))]
    if not whole:
        oldest = ".".join(map(str, _OLDEST))
        looked_in = f"KUBEBUILDER_ASSETS={configured}" if configured else f"{store}/<{oldest} or newer>{_PLATFORM}"
        raise AssetsNotFoundError(f"no etcd and kube-apiserver in {looked_in} (`setup-envtest use` installs them)")
    return [whole[0], whole[-1]] if len(whole) > 1 else whole


def find_assets() -> Path:
    """The newest of `find_versions`. Raises AssetsNotFoundError."""
    return find_versions()[-1]


def version_of(assets: Path) -> str:
    """What a test's id calls it: `1.36.2`, as setup-envtest names the folder."""
    return assets.name.removesuffix(_PLATFORM)


class ControlPlane:
    """etcd and kube-apiserver with Node and RBAC authorization. Use as a context manager.

    `identities` maps a role to whom its token stands for; `admin` (system:masters) is always there. `tokens` is asked
    for every other token, as the EKS authenticator is.
    `directory` takes data and logs and is left as it is. Raises ControlPlaneError if it does not start.
    """

    def __init__(self, assets: Path, directory: Path, identities: Mapping[str, Identity]) -> None:
        self.identities = {"admin": Identity("admin", ("system:masters",)), **identities}
        self.ca_pem = loopback_server_identity().ca
        self._assets = assets
        self._directory = directory
        self.tokens = TokenReviews()
        self._etcd_port, self._etcd_peer_port, self._api_port, self._manager_port = _free_ports(4)
        self.url = f"https://127.0.0.1:{self._api_port}"
        self._processes = ExitStack()
        self._api_server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as on_failure:
            on_failure.enter_context(self._processes)
            self._processes.enter_context(self.tokens)
            self._write_files()
            self._start_etcd()
            self._start_api_server()
            self._grant()
            on_failure.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.close()

    def client(self, role: str) -> ApiClient:
        """A client with the token of that role."""
        return ApiClient(self.url, self.ca_pem, self.identities[role].token)

    def token(self, role: str) -> str:
        """The bearer token of that role."""
        return self.identities[role].token

    def node(self, name: str, admin: ApiClient) -> ApiClient:
        """The kubelet of a node, over the connections of the role `admin`, who may impersonate everybody."""
        return admin.with_headers(Impersonate_User=f"system:node:{name}", Impersonate_Group="system:nodes")

    def instance(self, node_name: str, instance_id: str) -> ApiClient:
        """The kubelet of an EC2 instance, who is whom the EKS authenticator takes it for."""
        return ApiClient(self.url, self.ca_pem, self.tokens.token(node_name, instance_id))

    def kubeconfig(self, token: str) -> dict[str, Any]:
        """A kubeconfig document with one context, for whoever has this token."""
        return self._kubeconfig(self.url, {"token": token})

    def start_signer(self) -> bytes:
        """Start kube-controller-manager with the signer of CSRs; the certificate of its CA, PEM."""
        authority = new_authority("csr-approver cluster CA")
        files = self._directory
        (files / "signer.crt").write_bytes(authority.certificate_pem)
        (files / "signer.key").write_bytes(authority.private_key_pem)
        (files / "manager.kubeconfig").write_text(json.dumps(self.kubeconfig(self.token("admin"))))
        self._spawn(
            "kube-controller-manager",
            f"--kubeconfig={files / 'manager.kubeconfig'}",
            "--controllers=certificatesigningrequest-signing-controller",
            f"--cluster-signing-cert-file={files / 'signer.crt'}",
            f"--cluster-signing-key-file={files / 'signer.key'}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._manager_port}",
            f"--cert-dir={files}",
        )
        return authority.certificate_pem

    def restart(self, down_seconds: float = 0.0) -> None:
        """SIGKILL kube-apiserver, and start another one after `down_seconds`."""
        if self._api_server is not None:
            _kill(self._api_server)
        time.sleep(down_seconds)
        self._start_api_server()

    def forget_history(self) -> None:
        """Compact etcd and replace kube-apiserver by a new one, as a control-plane upgrade does.

        Resource versions from before are then too old to watch from or to continue a list at.
        """
        # A revision of its own, so that whatever a client has seen lies before it.
        revision = self._etcd("put", {"key": "Y29tcGFjdGlvbg==", "value": ""})["header"]["revision"]
        self._etcd("compaction", {"revision": revision})
        self.restart()
        self._await_rules()

    def _kubeconfig(self, server: str, user: Mapping[str, str]) -> dict[str, Any]:
        ca = base64.b64encode(self.ca_pem).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": ca}}],
            "users": [{"name": "test", "user": user}],
        }

    def _etcd(self, verb: str, request: Mapping[str, object]) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._etcd_port}/v3/kv/{verb}"
        with urllib.request.urlopen(url, json.dumps(request).encode(), timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def _write_files(self) -> None:
        server = loopback_server_identity()
        (self._directory / "server.crt").write_bytes(server.certificate)
        (self._directory / "server.key").write_bytes(server.private_key)
        rows = (
            f'{identity.token},{identity.username},,"{",".join(identity.groups)}"'
            for identity in self.identities.values()
        )
        (self._directory / "tokens.csv").write_text("\n".join(rows) + "\n")
        (self._directory / "token-reviews.kubeconfig").write_text(json.dumps(self._kubeconfig(self.tokens.url, {})))

    def _start_etcd(self) -> None:
        client = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{self._etcd_peer_port}"
        process = self._spawn(
            "etcd",
            f"--data-dir={self._directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        self._wait("etcd", process, lambda: _answers(f"{client}/health"))

    def _start_api_server(self) -> None:
        files = self._directory
        self._api_server = self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._api_port}",
            f"--cert-dir={files}",
            f"--tls-cert-file={files / 'server.crt'}",
            f"--tls-private-key-file={files / 'server.key'}",
            f"--token-auth-file={files / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
            # As on every real cluster: whether a pod may be privileged is for admission to say.
            "--allow-privileged=true",
            "--enable-admission-plugins=NodeRestriction",
            "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={files / 'server.crt'}",
            f"--service-account-signing-key-file={files / 'server.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--authentication-token-webhook-config-file={files / 'token-reviews.kubeconfig'}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=1s",
            # There is no other API server to reconcile endpoints with, and loopback is no legal endpoint.
            "--endpoint-reconciler-type=none",
        )
        context = ssl.create_default_context(cadata=self.ca_pem.decode())
        self._wait("kube-apiserver", self._api_server, lambda: _answers(f"{self.url}/readyz", context))

    def _spawn(self, program: str, *flags: str) -> subprocess.Popen[bytes]:
        with (self._directory / f"{program}.log").open("ab") as log:
            process = subprocess.Popen([self._assets / program, *flags], stdout=log, stderr=log)
        self._processes.callback(_kill, process)
        return process

    def _wait(self, program: str, process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (self._directory / f"{program}.log").read_text(errors="replace").splitlines()[-20:]
                raise ControlPlaneError(f"{program} did not become ready:\n" + "\n".join(tail))
            time.sleep(0.1)

    def _grant(self) -> None:
        with self.client("admin") as admin:
            for role, identity in self.identities.items():
                if identity.rules:
                    _bind(admin, role, identity)
        self._await_rules()

    def _await_rules(self) -> None:
        # The authorizer reads RBAC objects through a cache, which is empty at start and lags behind later.
        deadline = time.monotonic() + _START_SECONDS
        for role, identity in self.identities.items():
            with self.client(role) as client:
                while not all(_may(client, rule) for rule in identity.rules):
                    if time.monotonic() > deadline:
                        raise ControlPlaneError(f"RBAC did not take effect for {role}")
                    time.sleep(0.05)


def csr_rule(verb: str, *, subresource: str = "") -> dict[str, list[str]]:
    """An RBAC rule on CertificateSigningRequests, or on one of their subresources."""
    resource = f"{_CSRS}/{subresource}" if subresource else _CSRS
    return {"apiGroups": [_GROUP], "resources": [resource], "verbs": [verb]}


def signer_rule(verb: str, signer: str = KUBELET_SERVING) -> dict[str, list[str]]:
    """The RBAC rule to approve or to sign what names this signer."""
    return {"apiGroups": [_GROUP], "resources": ["signers"], "resourceNames": [signer], "verbs": [verb]}


def _bind(admin: ApiClient, role: str, identity: Identity) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    cluster_role = {"metadata": {"name": role}, "rules": list(identity.rules)}
    binding = {
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": identity.username}],
    }
    for resource, body in (("clusterroles", cluster_role), ("clusterrolebindings", binding)):
        answer = admin.call("POST", f"{rbac}/{resource}", body)
        if answer.status != 201:
            raise ControlPlaneError(f"creating {resource} {role} was answered {answer}")


def _may(client: ApiClient, rule: Mapping[str, list[str]]) -> bool:
    resource, _, subresource = rule["resources"][0].partition("/")
    attributes: dict[str, Any] = {"group": _GROUP, "resource": resource, "subresource": subresource}
    attributes |= {"verb": rule["verbs"][0], "name": rule.get("resourceNames", [""])[0]}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = client.call("POST", path, review | {"spec": {"resourceAttributes": attributes}})
    return bool(answer.body.get("status", {}).get("allowed", False))


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in version_of(folder).split(".") if part.isdigit())


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [held_socket.getsockname()[1] for held_socket in sockets]


def _answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except OSError:
        return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Nothing in the data directory is to be kept, and a graceful end waits for open watches.
    process.kill()
    process.wait()
