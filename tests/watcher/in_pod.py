"""A connection as a watcher has it in its pod, by the service account that the kubelet keeps there."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client
from kubernetes.config import incluster_config

from csr_approver_local.kubernetes_api import KubernetesApi
from csr_watcher.api import connect


def in_pod(cluster: KubernetesApi, files: Path, monkeypatch: pytest.MonkeyPatch) -> client.ApiClient:
    """The token is the content of the file `token` in `files`, and read each time, not each minute."""
    (files / "ca.crt").write_bytes(cluster.ca_pem)
    url = urlsplit(cluster.url)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(url.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(url.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(files / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(files / "ca.crt"))
    original = incluster_config.InClusterConfigLoader.__init__

    def begin(loader: Any, *arguments: Any, **more: Any) -> None:
        original(loader, *arguments, **more)  # type: ignore[no-untyped-call] # has no types
        loader._token_refresh_period = timedelta()

    monkeypatch.setattr(incluster_config.InClusterConfigLoader, "__init__", begin)
    return connect(None)
