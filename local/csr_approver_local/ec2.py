"""EC2's DescribeInstances, answered from a document, because moto's model leaves out most of what decides here.

(Resource names, IPv6 addresses, prefixes, network cards, carrier addresses.)
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from csr_approver_local.wire import AwsError, read_answer

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
# EC2 User Guide, "Find your Amazon EC2 resources": filtering considerations.
_MOST_FILTERS = 50
_MOST_FILTER_VALUES = 200
_LONGEST_FILTER_VALUE = 255

Reservation = Mapping[str, Any]
Instance = Mapping[str, Any]


class Instances:
    """The instances of one account and region."""

    def __init__(self) -> None:
        self._listed: list[tuple[Reservation, Instance]] = []

    def put(self, document: Mapping[str, Any]) -> None:
        """Take `document`, as `aws ec2 describe-instances` prints it, in place of whatever was there."""
        reservations = read_answer("ec2", "DescribeInstances", "Reservations", document)
        self._listed = [
            (reservation, instance) for reservation in reservations for instance in reservation.get("Instances", [])
        ]

    def describe(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The DescribeInstances of the EC2 API reference, its refusals included."""
        filters = params.get("Filters", [])
        _check_filters(filters)
        patterns = [(f["Name"], [_pattern(value) for value in f.get("Values", [])]) for f in filters]
        listed, next_token = self._select(params)
        result: dict[str, Any] = {"Reservations": _regroup(pair for pair in listed if _matches(pair[1], patterns))}
        if next_token:
            result["NextToken"] = next_token
        return result

    def _select(self, params: Mapping[str, Any]) -> tuple[list[tuple[Reservation, Instance]], str | None]:
        if instance_ids := params.get("InstanceIds"):
            for other in ("MaxResults", "NextToken"):
                if other in params:
                    name = other[0].lower() + other[1:]
                    message = f"The parameter instancesSet cannot be used with the parameter {name}"
                    raise AwsError("InvalidParameterCombination", message)
            return self._by_id(instance_ids), None
        if (most := params.get("MaxResults")) is None:
            most = max(len(self._listed), 1)
        elif not 5 <= most <= 1000:
            bound = "greater than 5" if most < 5 else "less than 1000"
            message = f"Value ( {most} ) for parameter maxResults is invalid. Expecting a value {bound}."
            raise AwsError("InvalidParameterValue", message)
        start = _read_token(params["NextToken"]) if "NextToken" in params else 0
        # EC2 counts a page before it filters: one with a token and nothing in it is an ordinary answer.
        end = start + most
        return self._listed[start:end], _token(end) if end < len(self._listed) else None

    def _by_id(self, instance_ids: list[str]) -> list[tuple[Reservation, Instance]]:
        for instance_id in instance_ids:
            if not _INSTANCE_ID.fullmatch(instance_id):
                raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        known = {instance["InstanceId"]: (reservation, instance) for reservation, instance in self._listed}
        if unknown := [instance_id for instance_id in instance_ids if instance_id not in known]:
            ids = ", ".join(unknown)
            subject = f"ID '{ids}' does" if len(unknown) == 1 else f"IDs '{ids}' do"
            raise AwsError("InvalidInstanceID.NotFound", f"The instance {subject} not exist")
        return [known[instance_id] for instance_id in dict.fromkeys(instance_ids)]


def _check_filters(filters: list[Mapping[str, Any]]) -> None:
    if len(filters) > _MOST_FILTERS:
        message = f"The maximum number of filters specified on a single call is {_MOST_FILTERS}"
        raise AwsError("FilterLimitExceeded", message)
    for each in filters:
        values = each.get("Values", [])
        if len(values) > _MOST_FILTER_VALUES:
            message = f"The maximum number of filter values specified on a single call is {_MOST_FILTER_VALUES}"
            raise AwsError("FilterLimitExceeded", message)
        if any(len(value) > _LONGEST_FILTER_VALUE for value in values):
            message = f"The maximum length for a filter value is {_LONGEST_FILTER_VALUE} characters"
            raise AwsError("FilterLimitExceeded", message)
        # Reads nothing, but refuses a name that there is not.
        _filterable(each["Name"], {})


def _pattern(value: str) -> re.Pattern[str]:
    """`*` is any run of characters, `?` at most one, a backslash makes the next character a literal (same page)."""
    tokens = re.findall(r"\\?.", value, re.DOTALL)
    return re.compile("".join({"*": ".*", "?": ".?"}.get(token, re.escape(token[-1])) for token in tokens), re.DOTALL)


def _matches(instance: Instance, patterns: list[tuple[str, list[re.Pattern[str]]]]) -> bool:
    return all(
        any(pattern.fullmatch(value) for pattern in values for value in _filterable(name, instance))
        for name, values in patterns
    )


def _filterable(name: str, instance: Instance) -> list[str]:
    match name:
        case "instance-id":
            return [instance.get("InstanceId", "")]
        case "private-dns-name":
            return [instance.get("PrivateDnsName", "")]
        case "vpc-id":
            return [instance.get("VpcId", "")]
        case "instance-state-name":
            return [instance.get("State", {}).get("Name", "")]
        case _ if name.startswith("tag:"):
            return [tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == name.removeprefix("tag:")]
    raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _regroup(listed: Iterable[tuple[Reservation, Instance]]) -> list[Reservation]:
    return [
        {**pairs[0][0], "Instances": [instance for _, instance in pairs]}
        for pairs in (list(group) for _, group in groupby(listed, key=lambda pair: id(pair[0])))
    ]


def _token(position: int) -> str:
    return b64encode(str(position).encode()).decode()


def _read_token(token: str) -> int:
    try:
        return int(b64decode(token, validate=True))
    except ValueError as error:
        message = f"Value ( {token} ) for parameter NextToken is invalid. The token is invalid."
        raise AwsError("InvalidParameterValue", message) from error
