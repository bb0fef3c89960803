"""The settings (DESIGN section 4): one name, three spellings, and an error by name for whatever is not one.

CLI `--set dns-check=off`, environment `CSR_APPROVER_DNS_CHECK`, template parameter `DnsCheck`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from csr_approver.environment import SettingsError
from csr_approver.name_server import NameServer
from csr_approver.policy.form import MIN_EXPIRATION_SECONDS, is_reserved_name
from csr_approver.policy.names import DnsName, IPAddress, canonical_dns_name, parse_address
from csr_approver.policy.role import Role, parse_role_arn
from csr_approver.policy.settings import InstanceBinding, Interfaces, Mode, PolicySettings, RoleCheck

ENVIRONMENT_PREFIX = "CSR_APPROVER_"

_ENDPOINT = re.compile(r"(?:(?i:https)://)?(?:\[(?P<bracketed>[^]]*)\]|(?P<host>[^:/\[\]]+))(?::[0-9]{1,5})?/?")

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Facts that the operator states; None or empty: ask EKS."""

    name: str
    vpc_id: str | None = None
    endpoint: DnsName | IPAddress | None = None
    service_networks: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set. `dns_servers` empty: the system's."""

    cluster: ClusterSettings
    policy: PolicySettings = field(default_factory=PolicySettings)
    deny: bool = True
    dns_servers: tuple[str, ...] = ()
    dns_timeout_seconds: float = 2.0


def required_variable(environment: Mapping[str, str], name: str) -> str:
    """A variable that the deployment sets. Raises SettingsError if it does not."""
    if value := environment.get(name):
        return value
    raise SettingsError(f"the environment variable {name} is missing: the stack's template sets it")


def parse_settings(values: Mapping[str, str]) -> Settings:
    """Settings from `{"dns-check": "off", ...}`.

    Raises SettingsError for an unknown key, an unknown value, a missing cluster, or settings that contradict.
    """
    for key in values:
        if key not in _PARSERS:
            raise SettingsError(f"unknown setting {key!r}; there are: {', '.join(sorted(_PARSERS))}")
    parsed: dict[str, Any] = {key: _parse(key, value) for key, value in values.items()}
    if "cluster" not in parsed:
        raise SettingsError("the setting 'cluster' is missing: the name of the cluster that is served")
    cluster = ClusterSettings(**{_CLUSTER_FIELDS[key]: parsed[key] for key in _CLUSTER_FIELDS if key in parsed})
    policy = PolicySettings(**{_POLICY_FIELDS[key]: parsed[key] for key in _POLICY_FIELDS if key in parsed})
    settings = replace(Settings(cluster, policy), **{_OTHERS[key]: parsed[key] for key in _OTHERS if key in parsed})
    _require_consistent(settings)
    return settings


def not_default(values: Mapping[str, str]) -> list[str]:
    """The names of those of the values that say anything else than the defaults; all but the cluster's name."""
    policy, others = PolicySettings(), Settings(ClusterSettings(""))
    defaults = {key: getattr(policy, field) for key, field in _POLICY_FIELDS.items()}
    defaults |= {key: getattr(others, field) for key, field in _OTHERS.items()}
    return sorted(key for key in values.keys() - {"cluster"} if _parse(key, values[key]) != defaults.get(key))


def _require_consistent(settings: Settings) -> None:
    policy = settings.policy
    if policy.custom_domains and not policy.dns_check:
        raise SettingsError("custom-domains need dns-check=require: only DNS can prove a name that EC2 does not give")
    if policy.role_check is RoleCheck.OFF and not policy.node_roles:
        raise SettingsError("role-check=off needs node-roles: else any role that the cluster maps could back a node")


def _parse(key: str, value: str) -> object:
    try:
        return _PARSERS[key](value.strip())
    except ValueError as error:
        raise SettingsError(f"setting {key}={value!r}: {error}") from None


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _switch(on: str, off: str) -> Callable[[str], bool]:
    def parse(value: str) -> bool:
        if value not in (on, off):
            raise ValueError(f"must be {on} or {off}")
        return value == on

    return parse


def _one_of(kind: type[E]) -> Callable[[str], E]:
    def parse(value: str) -> E:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"must be one of {', '.join(kind)}") from None

    return parse


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def parse_endpoint(value: str) -> DnsName | IPAddress:
    """The host in a host name, an address or the URL that EKS and kubeconfig files give. Raises ValueError."""
    match = _ENDPOINT.fullmatch(value)
    host = match["bracketed"] or match["host"] if match else value
    endpoint = parse_address(host) or canonical_dns_name(host)
    if endpoint is None:
        raise ValueError("must be the API server's host or its https URL")
    return endpoint


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    networks = tuple(ip_network(item) for item in _items(value))
    if not networks:
        raise ValueError("must hold at least one CIDR")
    return networks


def _roles(value: str) -> frozenset[Role]:
    roles = {arn: parse_role_arn(arn) for arn in _items(value)}
    for arn, role in roles.items():
        if role is None:
            raise ValueError(f"{arn} is no role ARN (arn:aws:iam::ACCOUNT:role/NAME)")
    return frozenset(role for role in roles.values() if role)


def _domains(value: str) -> frozenset[DnsName]:
    domains = set()
    for item in _items(value):
        domain = canonical_dns_name(item)
        if domain is None:
            raise ValueError(f"{item} is no domain name")
        if is_reserved_name(domain):
            raise ValueError(f"{item} is under a name that is never a node's")
        domains.add(domain)
    return frozenset(domains)


def _max_expiration(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) < MIN_EXPIRATION_SECONDS:
        raise ValueError(f"must be a whole number of seconds, {MIN_EXPIRATION_SECONDS} or more")
    return int(value)


def _servers(value: str) -> tuple[str, ...]:
    return tuple(str(NameServer.parse(server)) for server in _items(value))


def _timeout(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds <= 10:
        raise ValueError("must be more than 0 and at most 10 seconds")
    return seconds


_CLUSTER_FIELDS = {
    "cluster": "name",
    "cluster-vpc": "vpc_id",
    "cluster-endpoint": "endpoint",
    "service-cidrs": "service_networks",
}
_POLICY_FIELDS = {
    "mode": "mode",
    "instance-binding": "instance_binding",
    "node-roles": "node_roles",
    "role-check": "role_check",
    "cluster-membership": "cluster_membership",
    "dns-check": "dns_check",
    "custom-domains": "custom_domains",
    "public-addresses": "public_addresses",
    "interfaces": "interfaces",
    "max-expiration-seconds": "max_expiration_seconds",
}
_OTHERS = {"deny": "deny", "dns-servers": "dns_servers", "dns-timeout-seconds": "dns_timeout_seconds"}
_PARSERS: dict[str, Callable[[str], object]] = {
    "cluster": _text,
    "cluster-vpc": _text,
    "cluster-endpoint": parse_endpoint,
    "service-cidrs": _networks,
    "mode": _one_of(Mode),
    "deny": _switch("true", "false"),
    "instance-binding": _one_of(InstanceBinding),
    "node-roles": _roles,
    "role-check": _one_of(RoleCheck),
    "cluster-membership": _switch("require", "off"),
    "dns-check": _switch("require", "off"),
    "custom-domains": _domains,
    "public-addresses": _switch("allow", "refuse"),
    "interfaces": _one_of(Interfaces),
    "max-expiration-seconds": _max_expiration,
    "dns-servers": _servers,
    "dns-timeout-seconds": _timeout,
}
