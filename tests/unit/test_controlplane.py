"""What the starter of the real control plane does where it cannot start one."""

from pathlib import Path

import pytest

from tests.controlplane import AssetsNotFoundError, ControlPlane, ControlPlaneError, find_assets


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of setup-envtest."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "kubebuilder-envtest" / "k8s"


def install(folder: Path, *programs: str) -> Path:
    folder.mkdir(parents=True)
    for program in programs:
        script = folder / program
        script.write_text("#!/bin/sh\necho it is broken\nexit 1\n")
        script.chmod(0o755)
    return folder


def test_the_newest_version_that_is_whole_is_taken(store: Path) -> None:
    install(store / "1.9.0-linux-amd64", "etcd", "kube-apiserver")
    newest = install(store / "1.36.2-linux-amd64", "etcd", "kube-apiserver")
    install(store / "1.37.0-linux-amd64", "etcd")
    assert find_assets() == newest


def test_a_folder_that_is_named_is_the_only_one_looked_at(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(store / "1.36.2-linux-amd64", "etcd", "kube-apiserver")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "mine"))
    with pytest.raises(AssetsNotFoundError, match="KUBEBUILDER_ASSETS"):
        find_assets()
    assert install(tmp_path / "mine", "etcd", "kube-apiserver") == find_assets()


def test_nothing_found_says_where_it_was_looked_for(store: Path) -> None:
    with pytest.raises(AssetsNotFoundError, match=str(store)):
        find_assets()


def test_a_program_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    assets = install(tmp_path / "assets", "etcd", "kube-apiserver")
    with pytest.raises(ControlPlaneError, match="etcd did not become ready:\nit is broken"):
        ControlPlane(assets, tmp_path, {}).__enter__()
