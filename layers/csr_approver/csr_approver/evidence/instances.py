"""Instances from EC2: one DescribeInstances for a whole batch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.clients.aws import describe_error
from csr_approver.evidence.ec2_document import read_reservations
from csr_approver.policy.instance import Instance
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.question import InstanceById, InstanceByName, InstanceQuestion

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef

Answers: TypeAlias = Mapping[InstanceQuestion, Observation[tuple[Instance, ...]]]

_MAX_IDS = 1000  # what one answer holds; with InstanceIds there is no paging
_MAX_FILTER_VALUES = 200
_UNKNOWN_ID = frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"})


class Ec2Instances:
    """DescribeInstances, asked now: nothing is cached, because an approval rests on it."""

    def __init__(self, client: "EC2Client") -> None:
        self._client = client
        shape = client.meta.service_model.operation_model("DescribeInstances").input_shape
        # Else EC2 leaves out the instances of EKS Auto Mode where an account hides managed resources.
        managed = shape is not None and "IncludeManagedResources" in shape.members
        self._options: dict[str, Any] = {"IncludeManagedResources": True} if managed else {}

    def find(self, questions: Collection[InstanceQuestion], vpc_id: str) -> Answers:
        """An answer for each question. A fault (throttle, time-out, no permission) is Unavailable, never Absent."""
        ids = sorted({question.instance_id for question in questions if isinstance(question, InstanceById)})
        names = sorted({name for q in questions if isinstance(q, InstanceByName) for name in q.private_dns_names})
        answers: dict[InstanceQuestion, Observation[tuple[Instance, ...]]] = {}
        for kind, wanted, ask in (
            (InstanceById, ids, self._by_ids),
            (InstanceByName, names, lambda values: self._filtered("private-dns-name", values, vpc_id=vpc_id)),
        ):
            asked = [question for question in questions if isinstance(question, kind)]
            if not asked:
                continue
            try:
                answers |= match_questions(asked, ask(wanted))
            except (ClientError, BotoCoreError) as error:
                unavailable = Unavailable(f"EC2 could not be asked: {describe_error(error)}")
                answers |= dict.fromkeys(asked, unavailable)
        return answers

    def _by_ids(self, ids: Sequence[str]) -> Iterable[Instance]:
        for chunk in _chunks(ids, _MAX_IDS):
            try:
                answer = self._client.describe_instances(InstanceIds=chunk, **self._options)
            except ClientError as error:
                if error.response["Error"].get("Code") not in _UNKNOWN_ID:
                    raise
                # One unknown id fails the whole call; as a filter value it is just absent.
                yield from self._filtered("instance-id", chunk)
            else:
                yield from read_reservations(answer["Reservations"])

    def _filtered(self, name: str, values: Sequence[str], vpc_id: str | None = None) -> Iterator[Instance]:
        """The values are ids or canonical DNS names, so they hold none of the wildcards that EC2 knows."""
        for chunk in _chunks(values, _MAX_FILTER_VALUES):
            filters: list[FilterTypeDef] = [{"Name": name, "Values": chunk}]
            if vpc_id:
                filters.append({"Name": "vpc-id", "Values": [vpc_id]})
            for page in self._client.get_paginator("describe_instances").paginate(Filters=filters, **self._options):
                yield from read_reservations(page["Reservations"])


def match_questions(questions: Collection[InstanceQuestion], instances: Iterable[Instance]) -> Answers:
    """Each question's own instances; Absent where EC2 answered and had none."""
    by_id: dict[str, list[Instance]] = {}
    by_name: dict[str, list[Instance]] = {}
    for instance in instances:
        by_id.setdefault(instance.instance_id, []).append(instance)
        if instance.private_dns_name:
            by_name.setdefault(instance.private_dns_name, []).append(instance)
    answers: dict[InstanceQuestion, Observation[tuple[Instance, ...]]] = {}
    for question in questions:
        match question:
            case InstanceById(instance_id):
                found = by_id.get(instance_id, [])
            case InstanceByName(names):
                found = [instance for name in sorted(names) for instance in by_name.get(name, [])]
            case _:
                assert_never(question)
        answers[question] = Seen(tuple(found)) if found else Absent("EC2 does not know it")
    return answers


def _chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
