"""The verdict on a request in a world, without any service: the parts that `csr-approver explain` is made of."""

from collections.abc import Mapping
from typing import Any

from csr_approver.assess import Assessor
from csr_approver.evidence.clusters import described_cluster
from csr_approver.evidence.files import FileInstances, FileRoles
from csr_approver.policy.request import read_signing_request
from csr_approver.policy.verdict import Verdict
from csr_approver.settings import Settings, parse_settings
from csr_approver_local.world import World
from tests.support.requests import CLUSTER
from tests.support.worlds import default_world


def settings_of(**settings: str) -> Settings:
    """The settings of the default world's cluster; `dns_check="off"` stands for dns-check=off."""
    return parse_settings({"cluster": CLUSTER} | {key.replace("_", "-"): value for key, value in settings.items()})


class Offline:
    """Judges one request after the other, in a world that does not change."""

    def __init__(self, world: World | None = None, /, **settings: str) -> None:
        """By default the world in which a valid request is approved, and the default settings."""
        world = world or default_world()
        parsed = settings_of(**settings)
        cluster = described_cluster(world.cluster["cluster"], parsed.cluster)
        self._assessor = Assessor(
            lambda: cluster,
            FileInstances(world.instances["Reservations"]),
            FileRoles(world.instance_profiles["InstanceProfiles"], world.roles["Roles"]),
            world.zone,
            parsed.policy,
        )

    def verdict(self, document: Mapping[str, Any]) -> Verdict:
        """With all its findings."""
        (assessment,) = self._assessor.assess([read_signing_request(document)])
        return assessment.verdict
