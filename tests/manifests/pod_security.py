"""The Pod Security Standard "restricted", which contains "baseline"."""

from collections.abc import Iterator, Mapping
from typing import Any

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(spec: Mapping[str, Any]) -> set[str]:
    """The controls, by the standard's names, that a pod with this spec would violate."""
    pod = spec.get("securityContext", {})
    found = set(_of_pod(spec, pod))
    for container in [*spec["containers"], *spec.get("initContainers", []), *spec.get("ephemeralContainers", [])]:
        # A container's own word goes before the pod's.
        found.update(_of_container(container, pod | container.get("securityContext", {})))
    return found


def _of_pod(spec: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "Host Namespaces"
    if any(volume.keys() - {"name"} - _VOLUMES for volume in spec.get("volumes", [])):
        yield "Volume Types"
    if any(sysctl["name"] not in _SYSCTLS for sysctl in context.get("sysctls", [])):
        yield "Sysctls"


def _of_container(container: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    capabilities = context.get("capabilities", {})
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "HostProcess"
    if context.get("privileged"):
        yield "Privileged Containers"
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "Capabilities"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "Host Ports"
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield "AppArmor"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "SELinux"
    if context.get("procMount", "Default") != "Default":
        yield "/proc Mount Type"
    if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "Seccomp"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "Privilege Escalation"
    if context.get("runAsNonRoot") is not True:
        yield "Running as Non-root"
    if context.get("runAsUser") == 0:
        yield "Running as Non-root user"
