"""Section "watcher": whether it runs, where it sends, and when it was heard."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from csr_approver.cli.doctor.facts import HEARTBEATS_WITHIN, Facts, NotApplicableError
from csr_approver.cli.doctor.findings import Checks, Found, ok, unknown, wrong
from csr_approver.cli.inputs import InputError
from csr_approver.clients.api_server import KubernetesError
from csr_approver.policy.settings import Mode
from csr_approver.policy.times import parse_time
from csr_approver.policy.verdict import shown

_NAME = "csr-watcher"
# Once a minute: two that do not come may be a slow start or a rollout.
_SILENT = timedelta(seconds=180)
_PLACEHOLDER = "registry.example/"
_APPLY = "kubectl apply -k watcher/deploy"


class _NoWatcherError(NotApplicableError):
    """Told once, by the check of the pods."""


def _pods(facts: Facts) -> Iterator[Found]:
    try:
        deployed = _stateful_set(facts)
    except _NoWatcherError as error:
        yield wrong(str(error), f"fill in watcher/deploy (docs/watcher.md), then {_APPLY}")
        return
    replicas = int((deployed.get("spec") or {}).get("replicas", 1))
    ready = int((deployed.get("status") or {}).get("readyReplicas", 0))
    if replicas == 0:
        yield wrong("no replica is asked for", f"kubectl -n {facts.namespace} scale statefulset/{_NAME} --replicas=2")
    elif ready < replicas:
        yield wrong(
            f"{ready} of {replicas} are ready",
            f"kubectl -n {facts.namespace} describe pod -l app.kubernetes.io/name={_NAME}\n"
            f"kubectl -n {facts.namespace} logs statefulset/{_NAME} --tail=50",
        )
    else:
        yield ok(f"{ready} of {replicas} are ready")


def _image(facts: Facts) -> Iterator[Found]:
    image = str(_container(facts).get("image"))
    if image.startswith(_PLACEHOLDER):
        mend = f"set newName under images in watcher/deploy/base/kustomization.yaml, then {_APPLY}"
        yield wrong(f"{image} is the name that stands for yours", mend)
    else:
        yield ok(image)


def _settings(facts: Facts) -> Iterator[Found]:
    """Against what the stack has."""
    told = _told_settings(facts)
    queue, cluster = facts.resource("CsrQueue"), facts.settings().cluster.name
    expected = {"CSR_WATCHER_CLUSTER": cluster, "CSR_WATCHER_QUEUE_URL": queue}
    others = {name: value for name, value in expected.items() if _comparable(told.get(name, "")) != _comparable(value)}
    if others:
        says = "; ".join(f"{name} is {shown(told.get(name) or 'not set', 200)}" for name in others)
        lines = "\n".join(f"  {name}={value}" for name, value in others.items())
        yield wrong(says, f"in watcher/deploy/base/settings.env, then {_APPLY}:\n{lines}")
        return
    forwards = told.get("CSR_WATCHER_FORWARD_APPROVED") == "true"
    note = "; approved requests are forwarded too" if forwards else ""
    if forwards and facts.settings().policy.mode is Mode.ENFORCE:
        note += ", which is of use in observe only"
    yield ok(f"cluster {cluster}, queue {queue}{note}")


def _heartbeat(facts: Facts) -> Iterator[Found]:
    silent = f"kubectl -n {facts.namespace} logs statefulset/{_NAME} --tail=50"
    heard = _heard(facts)
    if not heard:
        minutes = int(HEARTBEATS_WITHIN.total_seconds() / 60)
        yield wrong(f"none in the approver's log of the last {minutes} minutes", silent)
    for watcher, (sent, line) in sorted(heard.items()):
        age = facts.now - sent
        detail = f"{max(0, int(age.total_seconds()))} s ago, version {shown(line.get('version'))}"
        pending = f"; {line.get('pending')} pending, the oldest for {line.get('oldestPendingSeconds')} s"
        if age > _SILENT:
            yield wrong(f"the last one was {detail}", silent, shown(watcher))
        else:
            yield ok(detail + pending, shown(watcher))


def _versions(facts: Facts) -> Iterator[Found]:
    heard = _heard(facts)
    if not heard:
        raise NotApplicableError("no heartbeat tells them")
    _, newest = max(heard.values(), key=lambda each: each[0])
    function = newest.get("approver")
    watchers = {watcher: str(line.get("version")) for watcher, (_, line) in heard.items()}
    if function is None:
        yield unknown("the function tells none: it is older than this command")
        return
    others = {watcher: version for watcher, version in watchers.items() if version != function}
    if others:
        told = ", ".join(f"{shown(watcher)} {shown(version)}" for watcher, version in sorted(others.items()))
        yield wrong(
            f"the functions are {shown(function)}, and {told}",
            f"bring both to one version: sam build && sam deploy, and {_APPLY}",
        )
    else:
        yield ok(f"watcher and functions are {shown(function)}")


def _heard(facts: Facts) -> Mapping[str, tuple[datetime, Mapping[str, Any]]]:
    """By watcher the time and the log line of its last heartbeat."""
    heard: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    for event in facts.heartbeats():
        line = event.fields or {}
        sent, watcher = parse_time(line.get("sentAt")) or event.at, str(line.get("watcher"))
        if watcher not in heard or sent >= heard[watcher][0]:
            heard[watcher] = sent, line
    return heard


def _stateful_set(facts: Facts) -> Mapping[str, Any]:
    path = f"/apis/apps/v1/namespaces/{facts.namespace}/statefulsets/{_NAME}"
    found = _get(facts, path, "statefulsets.apps")
    if found is None:
        raise _NoWatcherError(f"there is no StatefulSet {_NAME} in namespace {facts.namespace} (--watcher-namespace)")
    return found


def _container(facts: Facts) -> Mapping[str, Any]:
    pod = _stateful_set(facts)["spec"]["template"]["spec"]
    return next((each for each in pod["containers"] if each["name"] == _NAME), pod["containers"][0])


def _told_settings(facts: Facts) -> Mapping[str, str]:
    """Those of the ConfigMaps that the container takes its environment from, then those that it names itself."""
    container = _container(facts)
    told: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        if name := (source.get("configMapRef") or {}).get("name"):
            found = _get(facts, f"/api/v1/namespaces/{facts.namespace}/configmaps/{name}", "configmaps")
            told.update((found or {}).get("data") or {})
    told.update({each["name"]: each["value"] for each in container.get("env") or () if "value" in each})
    return told


def _get(facts: Facts, path: str, resource: str) -> Mapping[str, Any] | None:
    try:
        return facts.kubernetes().get(path)
    except KubernetesError as error:
        if error.status == 403:
            raise InputError(f"takes get on {resource} in namespace {facts.namespace}: {error}") from None
        raise


def _comparable(value: str) -> str:
    """A queue has one path, and more than one host (VPC endpoints, dual-stack)."""
    return urlsplit(value).path if value.startswith(("https://", "http://")) else value


CHECKS: Checks = {
    "pods": _pods,
    "image": _image,
    "settings": _settings,
    "heartbeat": _heartbeat,
    "versions": _versions,
}
