"""What every functional test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from csr_approver.settings import ENVIRONMENT_PREFIX
from csr_approver_local.apiserver.users import User
from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import System
from tests.support.command import Command
from tests.support.worlds import default_world

_GET, _LIST = ("get", "certificatesigningrequests"), ("list", "certificatesigningrequests")
_USERS = {
    "viewer": frozenset({_GET, _LIST, ("get", "configmaps"), ("list", "nodes")}),
    "lister": frozenset({_LIST}),
    "getter": frozenset({_GET}),
    "janitor": frozenset({("delete", "certificatesigningrequests")}),
    "nobody": frozenset[tuple[str, str]](),
}


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The operator's command, on a machine that has no configuration at all."""
    for name in os.environ:
        if name.startswith((ENVIRONMENT_PREFIX, "AWS_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Command(capsys, tmp_path)


@pytest.fixture
def system(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """AWS and DNS as the default world has them, with this process's environment leading there."""
    with System(default_world()) as system:
        for name, value in system.aws.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}CLUSTER", "demo")
        monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}DNS_SERVERS", system.dns.address)
        yield system


@pytest.fixture
def kubernetes() -> Iterator[KubernetesApi]:
    """An API server that knows somebody who may read, somebody who may only get requests, and somebody who may not."""
    users = {name: User(name, permissions=permissions) for name, permissions in _USERS.items()}
    with KubernetesApi(users.get) as kubernetes:
        yield kubernetes


@pytest.fixture
def kubeconfig(kubernetes: KubernetesApi, command: Command) -> str:
    """A file with a context for each of these users, and another for nobody whom the API server knows; the viewer's."""
    document = kubernetes.kubeconfig("")
    names = [*_USERS, "stranger"]
    document["users"] = [{"name": name, "user": {"token": name}} for name in names]
    document["contexts"] = [{"name": name, "context": {"cluster": "local", "user": name}} for name in names]
    document["current-context"] = "viewer"
    return command.file(yaml.safe_dump(document), "kubeconfig")
