"""A node as the API server has it, and what its kubelet's port presents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from csr_approver.cli.audit.certificates import Certificate
from csr_approver.policy.names import IPAddress, parse_address
from csr_approver.policy.times import parse_time
from csr_approver.policy.verdict import shown

_KUBELET_PORT = 10250
_NAME_TYPES = ("Hostname", "InternalDNS")


@dataclass(frozen=True, slots=True)
class NodeState:
    """Where a node's kubelet is, and what its certificate must be for.

    `address` is its first InternalIP, None where it has none. `names` are that and what it is called inside.
    """

    name: str
    created_at: datetime | None
    address: IPAddress | None
    port: int
    names: frozenset[str | IPAddress]


@dataclass(frozen=True, slots=True)
class Presented:
    """`certificate` is None where it cannot be read. `trusted`: the cluster's authority vouches for it."""

    certificate: Certificate | None
    trusted: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake ended in the alert of a kubelet that has no certificate."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing there that speaks TLS; one clause says what there was."""

    detail: str


Look: TypeAlias = Presented | Refused | NoAnswer


def node_state(document: object) -> NodeState:
    """Read any JSON value; never raises. The status is the kubelet's own word: it tells where to look, and no more."""
    top = _mapping(document)
    metadata, status = _mapping(top.get("metadata")), _mapping(top.get("status"))
    listed = status.get("addresses")
    given = [
        (each.get("type"), str(each.get("address")))
        for each in map(_mapping, listed if isinstance(listed, list) else ())
    ]
    addresses = [address for kind, text in given if kind == "InternalIP" and (address := parse_address(text))]
    names = {parse_address(text) or text.lower() for kind, text in given if kind in _NAME_TYPES}
    return NodeState(
        name=shown(metadata.get("name"), 253),
        created_at=parse_time(metadata.get("creationTimestamp")),
        address=addresses[0] if addresses else None,
        port=_port(status),
        names=frozenset({*addresses[:1], *names}),
    )


def _port(status: Mapping[str, Any]) -> int:
    endpoint = _mapping(_mapping(status.get("daemonEndpoints")).get("kubeletEndpoint"))
    port = endpoint.get("Port")
    return port if isinstance(port, int) and 0 < port < 65536 else _KUBELET_PORT


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
