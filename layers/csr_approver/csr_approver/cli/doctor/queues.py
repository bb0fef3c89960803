"""Section "queues": who may send, what waits, and what lies with the dead letters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csr_approver.cli.doctor.facts import Facts, NotApplicableError
from csr_approver.cli.doctor.findings import Checks, Found, not_applicable, ok, unknown, wrong
from csr_approver.policy.role import parse_role_arn
from csr_approver.policy.times import parse_time

_DEPLOY = "sam build && sam deploy"
_LATE_SECONDS = 60


def _age(facts: Facts) -> Iterator[Found]:
    """How long a heartbeat lay on the queue: SQS tells an age to CloudWatch only, a minute late."""
    delays = [
        (event.at - sent).total_seconds()
        for event in facts.heartbeats()
        if (sent := parse_time((event.fields or {}).get("sentAt")))
    ]
    if not delays:
        raise NotApplicableError("no heartbeat tells it")
    last = max(0.0, delays[-1])
    waiting = _attributes(facts, "CsrQueue").get("ApproximateNumberOfMessages", "0")
    detail = f"the last heartbeat waited {last:.1f} s; about {waiting} messages are waiting"
    if last > _LATE_SECONDS:
        yield wrong(detail, "docs/operations.md, CsrQueueAgeAlarm: event source, throttles, MaximumConcurrency")
    else:
        yield ok(detail)


def _dead_letters(facts: Facts) -> Iterator[Found]:
    for logical_id, short in (("CsrDeadLetterQueue", "CSRs"), ("DenialDeadLetterQueue", "denials")):
        number = int(_attributes(facts, logical_id).get("ApproximateNumberOfMessages", "0"))
        if number:
            look = (
                f"aws sqs receive-message --queue-url {facts.resource(logical_id)} --max-number-of-messages 10"
                " --visibility-timeout 0\nthen docs/operations.md, Dead letters"
            )
            yield wrong(f"about {number} messages", look, short)
        else:
            yield ok("none", short)


def _watcher_may_send(facts: Facts) -> Iterator[Found]:
    if "WatcherRole" not in facts.resources():
        yield not_applicable("the watcher's role was not made by the stack")
        return
    yield _lets_in(facts, "CsrQueue", facts.resource("WatcherRole"))


def _approver_may_send(facts: Facts) -> Iterator[Found]:
    yield _lets_in(facts, "DenialQueue", facts.approver()["Role"].rpartition("/")[2])


def _lets_in(facts: Facts, logical_id: str, role_name: str) -> Found:
    """The queue's policy refuses every sender but those that it names (template.yaml)."""
    policy = json.loads(_attributes(facts, logical_id).get("Policy", "{}"))
    refusals = [
        statement
        for statement in _list(policy.get("Statement", []))
        if statement.get("Effect") == "Deny" and "sqs:SendMessage" in _list(statement.get("Action"))
    ]
    if not refusals:
        return wrong("its policy lets in every sender that IAM lets send", _DEPLOY)
    excepted = [_excepted(statement) for statement in refusals]
    if any(arns is None for arns in excepted):
        return unknown("its policy refuses senders by a condition that is not the stack's")
    if any(role_name not in {role.name for arn in arns or () if (role := parse_role_arn(arn))} for arns in excepted):
        return wrong(f"its policy refuses role {role_name}", _DEPLOY)
    return ok(f"lets in role {role_name}, and whom the policy names beside it")


def _excepted(statement: Mapping[str, Any]) -> Sequence[str] | None:
    names = (statement.get("Condition") or {}).get("ArnNotEquals", {}).get("aws:PrincipalArn")
    return None if names is None else _list(names)


def _attributes(facts: Facts, logical_id: str) -> Mapping[str, str]:
    answer = facts.aws.sqs.get_queue_attributes(QueueUrl=facts.resource(logical_id), AttributeNames=["All"])
    return {str(name): value for name, value in (answer.get("Attributes") or {}).items()}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


CHECKS: Checks = {
    "age": _age,
    "dead letters": _dead_letters,
    "CSR queue": _watcher_may_send,
    "denial queue": _approver_may_send,
}
