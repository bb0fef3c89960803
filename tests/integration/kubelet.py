"""A real kubelet, which asks for its serving certificate itself."""

import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.container_runtime import container_runtime
from tests.watcher.process import free_port

# A kubelet mounts things, and keeps some of its files where no setting reaches: with mounts of its own, which are gone
# when it is, it leaves nothing behind.
_SCRIPT = 'mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /var/log && exec "$@"'
_ALONE = ["unshare", "--mount", "sh", "-c", _SCRIPT, "sh"]


def find_kubelet(assets: Path) -> Path:
    """The one among the assets. Skips the test where there is none, or none can be started."""
    if not (assets / "kubelet").is_file():
        pytest.skip(f"no kubelet in {assets}")
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a kubelet needs Linux, root and unshare (util-linux)")
    alone = subprocess.run([*_ALONE, "true"], capture_output=True, text=True, check=False)
    if alone.returncode:
        pytest.skip(f"a kubelet cannot have mounts of its own here: {alone.stderr.strip()}")
    return assets / "kubelet"


def own_address() -> str:
    """The IPv4 address that this machine would reach others from. Skips the test where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # of a datagram socket, this sends nothing
        except OSError as error:
            pytest.skip(f"a kubelet needs an address other than loopback: {error}")
        return str(probe.getsockname()[0])


@contextmanager
def running_kubelet(
    program: Path, folder: Path, kubeconfig: Mapping[str, Any], node_name: str, address: str
) -> Iterator[int]:
    """The port on 127.0.0.1 that it serves on. What it logs is in an assertion that fails meanwhile."""
    port = free_port()
    (folder / "kubelet.kubeconfig").write_text(json.dumps(kubeconfig))
    with container_runtime() as runtime, (folder / "kubelet.log").open("wb") as log:
        (folder / "kubelet.json").write_text(json.dumps(_configuration(folder, port, runtime)))
        command = [
            *_ALONE,
            str(program),
            f"--config={folder / 'kubelet.json'}",
            f"--kubeconfig={folder / 'kubelet.kubeconfig'}",
            f"--root-dir={folder / 'root'}",
            f"--cert-dir={folder / 'certificates'}",
            f"--hostname-override={node_name}",
            f"--node-ip={address}",
        ]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield port
        except AssertionError as error:
            error.add_note((folder / "kubelet.log").read_text()[-2000:])
            raise
        finally:
            process.kill()
            process.wait()


def _configuration(folder: Path, port: int, runtime: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "serverTLSBootstrap": True,
        "address": "127.0.0.1",
        "port": port,
        "healthzPort": 0,
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": runtime,
        # The machine stays as it is: no cgroups, no rules of iptables.
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": False,
        "failSwapOn": False,
        "failCgroupV1": False,
        "localStorageCapacityIsolation": False,
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
    }


def served_names(port: int, name: str, client: ssl.SSLContext) -> set[str] | None:
    """What is in the certificate that this client accepts for this name.

    Empty where a kubelet has no certificate yet; None where nobody listens.
    """
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
            client.wrap_socket(connection, server_hostname=name) as secured,
        ):
            certificate: Any = secured.getpeercert()
    except ConnectionRefusedError:
        return None
    except ssl.SSLError as error:
        if error.reason == "TLSV1_ALERT_INTERNAL_ERROR":
            return set()
        raise
    return {name for _, name in certificate["subjectAltName"]}
