"""What the starter of the real control plane does where it cannot start one."""

from pathlib import Path

import pytest

from tests.controlplane import (
    AssetsNotFoundError,
    ControlPlane,
    ControlPlaneError,
    find_assets,
    find_versions,
    version_of,
)
from tests.versions import each_version

PROGRAMS = ("etcd", "kube-apiserver")


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


def test_the_oldest_and_the_newest_version_that_are_whole_are_taken(store: Path) -> None:
    for version in ("1.33.0", "1.100.1", "1.32.11", "1.32.2"):
        install(store / f"{version}-linux-amd64", *PROGRAMS)
    install(store / "1.31.0-linux-amd64", "etcd")
    install(store / "1.101.0-linux-amd64", "kube-apiserver")
    assert [version_of(assets) for assets in find_versions()] == ["1.32.2", "1.100.1"]
    assert version_of(find_assets()) == "1.100.1"


def test_of_one_version_there_is_one(store: Path) -> None:
    only = install(store / "1.36.2-linux-amd64", *PROGRAMS)
    assert find_versions() == [only]
    assert find_assets() == only


def test_a_version_older_than_the_tests_know_is_passed_over(store: Path) -> None:
    install(store / "1.30.9-linux-amd64", *PROGRAMS)
    with pytest.raises(AssetsNotFoundError, match=r"1\.31 or newer"):
        find_versions()
    oldest = install(store / "1.31.0-linux-amd64", *PROGRAMS)
    assert find_versions() == [oldest]


def test_a_folder_that_is_named_is_the_only_one_looked_at(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(store / "1.36.2-linux-amd64", *PROGRAMS)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "mine"))
    with pytest.raises(AssetsNotFoundError, match="KUBEBUILDER_ASSETS"):
        find_versions()
    assert [install(tmp_path / "mine", *PROGRAMS)] == find_versions()


def test_nothing_found_says_where_it_was_looked_for(store: Path) -> None:
    with pytest.raises(AssetsNotFoundError, match=str(store)):
        find_versions()


def test_where_there_is_no_version_a_test_is_skipped_with_the_reason(store: Path) -> None:
    (absent,) = each_version()
    assert "skip" in str(absent.marks)
    assert str(store) in str(absent.marks)
    assets = install(store / "1.36.2-linux-amd64", *PROGRAMS)
    (found,) = each_version()
    assert (found.id, found.values, found.marks) == ("1.36.2", (assets,), ())


def test_a_program_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    assets = install(tmp_path / "assets", *PROGRAMS)
    with pytest.raises(ControlPlaneError, match="etcd did not become ready:\nit is broken"):
        ControlPlane(assets, tmp_path, {}).__enter__()
