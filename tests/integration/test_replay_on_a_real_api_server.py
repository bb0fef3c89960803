"""The samples against a real kube-apiserver: what the local one is taken for is true."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from csr_approver_local.replay import REFUSED, play
from csr_approver_local.samples import Sample
from tests.controlplane import ControlPlane
from tests.versions import each_version

EVENTS = Path(__file__).parents[2] / "events"

# Those that end without waiting for a message's time-out, which is not skipped on a real cluster.
AT_ONCE = (
    "01-private-node",
    "03-public-address",
    "04-instance-id-name",
    "05-ipv6",
    "06-custom-domain",
    "07-client-certificate",
    "15-api-server-name",
    "17-smuggled-extension",
    "20-fargate",
    "22-already-approved",
)


@pytest.fixture(scope="module", params=each_version())
def kubeconfig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The admin's way into a real control plane."""
    directory = tmp_path_factory.mktemp("controlplane")
    with ControlPlane(request.param, directory, {}) as control_plane:
        path = directory / "kubeconfig"
        path.write_text(json.dumps(control_plane.kubeconfig(control_plane.token("admin"))))
        yield str(path)


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_sample_ends_as_it_says_on_a_real_api_server(name: str, kubeconfig: str) -> None:
    for row in play(Sample.load(EVENTS / name), kubeconfig):
        assert row.problem is None
        assert row.verdict != REFUSED


def test_node_restriction_refuses_a_stolen_identity_before_we_see_it(kubeconfig: str) -> None:
    (row,) = play(Sample.load(EVENTS / "19-stolen-identity"), kubeconfig)
    assert row.verdict == REFUSED
    assert row.written == "none"
