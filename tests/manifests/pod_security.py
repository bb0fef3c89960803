"""The Pod Security Standard "restricted", which contains "baseline"."""

from collections.abc import Mapping
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
    context = spec.get("securityContext", {})
    violated = {
        "Host Namespaces": any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
        "Volume Types": any(volume.keys() - {"name"} - _VOLUMES for volume in spec.get("volumes", [])),
        "Sysctls": any(sysctl["name"] not in _SYSCTLS for sysctl in context.get("sysctls", [])),
    }
    found = {control for control, is_violated in violated.items() if is_violated}
    for container in [*spec["containers"], *spec.get("initContainers", []), *spec.get("ephemeralContainers", [])]:
        # A container's own word goes before the pod's.
        found |= _of_container(container, context | container.get("securityContext", {}))
    return found


def _of_container(container: Mapping[str, Any], context: Mapping[str, Any]) -> set[str]:
    capabilities, selinux = context.get("capabilities", {}), context.get("seLinuxOptions", {})
    violated = {
        "HostProcess": context.get("windowsOptions", {}).get("hostProcess"),
        "Privileged Containers": context.get("privileged"),
        "Capabilities": "ALL" not in capabilities.get("drop", [])
        or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"},
        "Host Ports": any(port.get("hostPort") for port in container.get("ports", [])),
        "AppArmor": context.get("appArmorProfile", {}).get("type") == "Unconfined",
        "SELinux": selinux.get("type", "") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"),
        "/proc Mount Type": context.get("procMount", "Default") != "Default",
        "Seccomp": context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"),
        "Privilege Escalation": context.get("allowPrivilegeEscalation") is not False,
        "Running as Non-root": context.get("runAsNonRoot") is not True,
        "Running as Non-root user": context.get("runAsUser") == 0,
    }
    return {control for control, is_violated in violated.items() if is_violated}
