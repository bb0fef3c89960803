"""Section "stack": what CloudFormation and Lambda say of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from csr_approver.cli.doctor.facts import Facts
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, unknown, wrong
from csr_approver.cli.stack import NoSuchStackError, variables
from csr_approver.environment import SettingsError, environment_settings
from csr_approver.policy.settings import Mode
from csr_approver.settings import ENVIRONMENT_PREFIX, not_default

_DEPLOY = "sam build && sam deploy"


def _found(facts: Facts) -> Iterator[Found]:
    try:
        resources = facts.resources()
    except NoSuchStackError as error:
        name = facts.stack_name
        cluster = facts.context_cluster or "CLUSTER"
        yield wrong(
            str(error), f"sam build && sam deploy --guided --stack-name {name} --parameter-overrides Cluster={cluster}"
        )
        return
    yield ok(f"{facts.stack_name} in {facts.region}, {len(resources)} resources")


def _approver(facts: Facts) -> Iterator[Found]:
    yield _function(facts.approver())


def _recorder(facts: Facts) -> Iterator[Found]:
    yield _function(facts.recorder())


def _function(function: Mapping[str, Any]) -> Found:
    state, update = function.get("State"), function.get("LastUpdateStatus")
    network = (function.get("VpcConfig") or {}).get("VpcId") or "outside any VPC"
    about = f"{function.get('Runtime')}, {function.get('MemorySize')} MB, {network}"
    if state == "Failed" or update == "Failed":
        why = function.get("StateReason") or function.get("LastUpdateStatusReason") or "without a reason"
        return wrong(f"its last update failed: {why}", _DEPLOY)
    if state == "Pending" or update == "InProgress":
        return unknown(f"is being updated ({about})", "look again in a minute")
    return ok(f"{state}, {about}")


def _event_source(facts: Facts) -> Iterator[Found]:
    """Disabling it is one of the kill switches, and easily forgotten."""
    for logical_id in ("ApproverFunction", "DenialRecorderFunction"):
        name = facts.resource(logical_id)
        mappings = facts.aws.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        short = logical_id.removesuffix("Function")
        if not mappings:
            yield wrong("nothing brings the queue's messages to it", _DEPLOY, short)
        for mapping in mappings:
            state, uuid = mapping.get("State"), mapping.get("UUID")
            if state in ("Disabled", "Disabling"):
                mend = f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
                yield wrong("is disabled: messages wait on the queue", mend, short)
            elif state == "Enabled":
                yield ok(f"enabled, {mapping.get('BatchSize')} messages at once", short)
            else:
                yield unknown(f"is {state}", "look again in a minute", short)


def _settings(facts: Facts) -> Iterator[Found]:
    try:
        settings = facts.settings()
    except SettingsError as error:
        yield wrong(f"the function does not start with them: {error}", f"correct the parameter, then {_DEPLOY}")
        return
    given = environment_settings(variables(facts.approver()), ENVIRONMENT_PREFIX)
    changed = ", ".join(f"{key}={given[key]}" for key in not_default(given))
    writes = "; it decides and records, and writes nothing" if settings.policy.mode is Mode.OBSERVE else ""
    yield ok(f"{changed or 'the defaults'}{writes}")


def _cluster(facts: Facts) -> Iterator[Found]:
    expected, deployed = facts.context_cluster, facts.settings().cluster.name
    if expected is None:
        yield not_applicable(f"the stack serves {deployed}; neither the kubeconfig nor --set says which one you mean")
    elif expected != deployed:
        mend = f"--context of cluster {deployed}, or --stack of cluster {expected}"
        yield wrong(f"the stack serves {deployed}, and this is {expected}", mend)
    else:
        yield ok(f"serves {deployed}")


CHECKS: Checks = {
    "found": _found,
    "approver": _approver,
    "denial recorder": _recorder,
    "event source": _event_source,
    "settings": _settings,
    "cluster": _cluster,
}
