"""What a sample plays against: EC2, IAM and EKS answers and a DNS zone, in the files that people already have."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from csr_approver.evidence.zone import ZoneNames


@dataclass(frozen=True, slots=True)
class World:
    """The answers of the AWS CLI's describe-cluster, describe-instances, list-instance-profiles and list-roles."""

    cluster: Mapping[str, Any]
    instances: Mapping[str, Any]
    instance_profiles: Mapping[str, Any]
    roles: Mapping[str, Any]
    zone: ZoneNames

    @classmethod
    def load(cls, folders: Sequence[Path]) -> Self:
        """Each file from the first folder that has it. Raises ValueError, one line, for what is missing or broken."""
        return cls(
            cluster=_json(_first(folders, "cluster.json")),
            instances=_json(_first(folders, "instances.json")),
            instance_profiles=_json(_first(folders, "instance-profiles.json")),
            roles=_json(_first(folders, "roles.json")),
            zone=ZoneNames.load([_first(folders, "zone.db")]),
        )

    @property
    def cluster_name(self) -> str:
        """The cluster that the requests are made in."""
        return str(self.cluster["cluster"]["name"])

    @property
    def region(self) -> str:
        """From the cluster's ARN."""
        return str(self.cluster["cluster"]["arn"].split(":")[3])

    @property
    def account_id(self) -> str:
        """From the cluster's ARN."""
        return str(self.cluster["cluster"]["arn"].split(":")[4])


def _first(folders: Sequence[Path], name: str) -> Path:
    for folder in folders:
        if (path := folder / name).is_file():
            return path
    raise ValueError(f"there is no {name} in {' or '.join(map(str, folders))}")


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: is no JSON object")
    return document
