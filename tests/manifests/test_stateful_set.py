"""The watcher runs twice, apart, and where a new cluster has little else yet."""

from typing import Any

from tests.support.kustomize import Manifests


def test_two_replicas_that_do_not_wait_for_each_other(manifests: Manifests) -> None:
    spec = manifests.one("StatefulSet")["spec"]
    assert spec["replicas"] == 2
    assert spec["podManagementPolicy"] == "Parallel"


def test_it_runs_on_the_first_node_before_core_dns(manifests: Manifests) -> None:
    spec = manifests.pod["spec"]
    assert spec["dnsPolicy"] == "Default"
    assert spec["priorityClassName"] == "system-cluster-critical"
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert {(toleration["key"], toleration.get("effect")) for toleration in spec["tolerations"]} == {
        ("CriticalAddonsOnly", None),
        ("node-role.kubernetes.io/control-plane", "NoSchedule"),
        ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"),
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }
    for toleration in spec["tolerations"]:
        assert toleration["operator"] == "Exists"
        # For ever only what says nothing of the node's health.
        assert toleration.get("tolerationSeconds") == (30 if toleration.get("effect") == "NoExecute" else None)


def test_the_replicas_are_spread_but_both_fit_on_one_node(manifests: Manifests) -> None:
    constraints = manifests.pod["spec"]["topologySpreadConstraints"]
    assert [constraint["topologyKey"] for constraint in constraints] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    for constraint in constraints:
        assert (constraint["maxSkew"], constraint["whenUnsatisfiable"]) == (1, "ScheduleAnyway")


def test_a_drain_takes_one_replica_at_a_time_and_waits_for_none_that_is_not_ready(manifests: Manifests) -> None:
    spec = manifests.one("PodDisruptionBudget")["spec"]
    assert spec.keys() == {"maxUnavailable", "selector", "unhealthyPodEvictionPolicy"}
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_every_selector_finds_the_pods(manifests: Manifests) -> None:
    selectors = [
        manifests.one("StatefulSet")["spec"]["selector"]["matchLabels"],
        manifests.one("Service")["spec"]["selector"],
        manifests.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(policy["spec"]["podSelector"]["matchLabels"] for policy in manifests.of("NetworkPolicy")),
        *(spread["labelSelector"]["matchLabels"] for spread in manifests.pod["spec"]["topologySpreadConstraints"]),
    ]
    for selector in selectors:
        assert selector == {"app.kubernetes.io/name": "csr-watcher"}
        assert selector.items() <= manifests.pod["metadata"]["labels"].items()


def test_its_service_is_headless_and_names_pods_that_are_not_ready_too(manifests: Manifests) -> None:
    service = manifests.one("Service")
    assert manifests.one("StatefulSet")["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_the_probes_ask_what_the_watcher_answers(manifests: Manifests) -> None:
    container = manifests.container
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert {probe: container[probe]["httpGet"] for probe in container if probe.endswith("Probe")} == {
        "startupProbe": {"path": "/healthz", "port": "http"},
        "livenessProbe": {"path": "/healthz", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }


def test_it_has_time_to_drain(manifests: Manifests) -> None:
    assert manifests.pod["spec"]["terminationGracePeriodSeconds"] == 10


def test_memory_is_bounded_and_the_cpu_is_not_throttled(manifests: Manifests) -> None:
    resources: dict[str, Any] = manifests.container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}


def test_it_never_takes_the_credentials_of_its_node(manifests: Manifests) -> None:
    assert manifests.container["env"] == [{"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}]
