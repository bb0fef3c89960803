"""The watcher takes what base/settings.env sets."""

import pytest

from csr_approver.environment import SettingsError
from csr_watcher.settings import read_settings
from tests.support.kustomize import DEPLOY, Manifests

FILLED_IN = {
    "CSR_WATCHER_CLUSTER": "demo",
    "CSR_WATCHER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/111122223333/csr-queue",
}


def test_the_pods_read_the_settings_that_belong_to_them(manifests: Manifests) -> None:
    assert manifests.container["envFrom"] == [
        {"configMapRef": {"name": manifests.one("ConfigMap")["metadata"]["name"]}}
    ]
    # Variables of Services would be CSR_WATCHER_..., too.
    assert manifests.pod["spec"]["enableServiceLinks"] is False


def test_what_must_be_filled_in_is_named_until_it_is(manifests: Manifests) -> None:
    data = manifests.one("ConfigMap")["data"]
    assert data == dict.fromkeys(FILLED_IN, "")
    with pytest.raises(SettingsError) as refused:
        read_settings([], data)
    assert [line.split()[0] for line in str(refused.value).splitlines()] == list(FILLED_IN)


def test_filled_in_they_are_taken_and_the_pods_name_tells_the_ordinal() -> None:
    assert read_settings([], FILLED_IN, "csr-watcher-1").ordinal == 1


def test_what_is_commented_out_may_be_uncommented() -> None:
    lines = (DEPLOY / "base/settings.env").read_text().splitlines()
    optional = dict(line.removeprefix("# ").split("=") for line in lines if line.startswith("# CSR_WATCHER_"))
    assert read_settings([], FILLED_IN | optional).forward_approved is True
