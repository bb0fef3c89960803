"""The local EC2 over the wire: every field of a document comes back, and DescribeInstances refuses as EC2 does."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from csr_approver_local.aws import LocalAws

NODE: dict[str, Any] = {
    "InstanceId": "i-0a1b2c3d4e5f60718",
    "InstanceType": "m7g.large",
    "LaunchTime": "2026-11-01T08:00:00+00:00",
    "State": {"Code": 16, "Name": "running"},
    "PrivateDnsName": "i-0a1b2c3d4e5f60718.eu-west-1.compute.internal",
    "PrivateIpAddress": "10.0.1.4",
    "PublicDnsName": "",
    "Ipv6Address": "2001:db8::4",
    "VpcId": "vpc-0a0b0c0d0e0f00001",
    "SubnetId": "subnet-1",
    "SourceDestCheck": False,
    "IamInstanceProfile": {
        "Arn": "arn:aws:iam::111122223333:instance-profile/eks/node-profile",
        "Id": "AIPAEXAMPLEPROFILE000",
    },
    "PrivateDnsNameOptions": {
        "HostnameType": "resource-name",
        "EnableResourceNameDnsARecord": True,
        "EnableResourceNameDnsAAAARecord": False,
    },
    "Operator": {"Managed": True, "Principal": "eks.amazonaws.com"},
    "Tags": [{"Key": "kubernetes.io/cluster/blue", "Value": "owned"}, {"Key": "Name", "Value": "<a> & b*"}],
    "NetworkInterfaces": [
        {
            "NetworkInterfaceId": "eni-1",
            "Status": "in-use",
            "InterfaceType": "interface",
            "PrivateDnsName": "ip-10-0-1-4.eu-west-1.compute.internal",
            "VpcId": "vpc-0a0b0c0d0e0f00001",
            "Attachment": {
                "AttachTime": "2026-11-01T08:00:01+00:00",
                "AttachmentId": "eni-attach-1",
                "DeleteOnTermination": True,
                "DeviceIndex": 0,
                "NetworkCardIndex": 0,
                "Status": "attached",
            },
            "Association": {
                "CarrierIp": "155.146.0.4",
                "IpOwnerId": "amazon",
                "PublicDnsName": "",
                "PublicIp": "203.0.113.4",
            },
            "PrivateIpAddresses": [
                {
                    "Primary": True,
                    "PrivateIpAddress": "10.0.1.4",
                    "Association": {"CarrierIp": "155.146.0.4", "PublicIp": "203.0.113.4"},
                },
                {"Primary": False, "PrivateIpAddress": "10.0.1.5"},
            ],
            "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.16/28"}],
            "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:0:1::/80"}],
            "Ipv6Addresses": [{"Ipv6Address": "2001:db8::4", "IsPrimaryIpv6": True}],
        },
        {"NetworkInterfaceId": "eni-2", "Ipv6Addresses": [], "Attachment": {"DeviceIndex": 1, "NetworkCardIndex": 1}},
    ],
}


def bare(number: int, **fields: object) -> dict[str, Any]:
    """An instance of which EC2 lists next to nothing."""
    return {"InstanceId": instance_id(number), "State": {"Code": 16, "Name": "running"}, **fields}


def instance_id(number: int) -> str:
    return f"i-{number:017x}"


def listing(*instances: dict[str, Any]) -> dict[str, Any]:
    return {
        "Reservations": [
            {"ReservationId": f"r-{index}", "OwnerId": "111122223333", "Instances": [instance]}
            for index, instance in enumerate(instances)
        ]
    }


def ids_in(answer: Any) -> list[str]:
    return [each["InstanceId"] for reservation in answer["Reservations"] for each in reservation["Instances"]]


def found(*filters: tuple[str, Iterable[str]]) -> list[str]:
    return ids_in(
        boto3.client("ec2").describe_instances(Filters=[{"Name": n, "Values": list(values)} for n, values in filters])
    )


def refusal(**parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        boto3.client("ec2").describe_instances(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def printed(value: Any) -> Any:
    """As the AWS CLI prints it."""
    match value:
        case dict():
            return {key: printed(each) for key, each in value.items()}
        case list():
            return [printed(each) for each in value]
        case datetime():
            return value.astimezone(UTC).isoformat()
    return value


def test_every_field_of_the_document_comes_back_and_no_other(aws: LocalAws) -> None:
    document = {
        "Reservations": [
            {"ReservationId": "r-1", "OwnerId": "111122223333", "Instances": [NODE, bare(1)]},
            {"ReservationId": "r-2", "OwnerId": "444455556666", "RequesterId": "1", "Instances": [bare(2)]},
        ]
    }
    aws.put_instances(document)

    answer = boto3.client("ec2").describe_instances(InstanceIds=[NODE["InstanceId"], instance_id(1), instance_id(2)])

    assert printed(answer["Reservations"]) == document["Reservations"]


def test_a_time_with_an_offset_is_the_same_instant_in_the_answer(aws: LocalAws) -> None:
    aws.put_instances(listing(bare(1, LaunchTime="2026-11-01T10:00:00+02:00")))

    (reservation,) = boto3.client("ec2").describe_instances()["Reservations"]

    assert reservation["Instances"][0]["LaunchTime"] == datetime(2026, 11, 1, 8, tzinfo=UTC)


def test_a_new_document_takes_the_place_of_the_old(aws: LocalAws) -> None:
    aws.put_instances(listing(bare(1)))
    aws.put_instances(listing(bare(2)))

    assert ids_in(boto3.client("ec2").describe_instances()) == [instance_id(2)]


def test_one_unknown_id_fails_the_whole_call(aws: LocalAws) -> None:
    # EC2 API reference, DescribeInstances: "If you specify an instance ID that is not valid, an error is returned."
    aws.put_instances(listing(bare(1)))

    one = refusal(InstanceIds=[instance_id(1), instance_id(8)])
    two = refusal(InstanceIds=[instance_id(8), instance_id(1), instance_id(9)])

    assert one == ("InvalidInstanceID.NotFound", f"The instance ID '{instance_id(8)}' does not exist")
    ids = f"{instance_id(8)}, {instance_id(9)}"
    assert two == ("InvalidInstanceID.NotFound", f"The instance IDs '{ids}' do not exist")
    assert ids_in(boto3.client("ec2").describe_instances(InstanceIds=[instance_id(1)])) == [instance_id(1)]


@pytest.mark.parametrize("malformed", ["i-123", "mi-0a1b2c3d4e5f60718", "i-0A1B2C3D4E5F60718", "ip-10-0-1-4", ""])
def test_a_malformed_id_is_told_from_an_unknown_one(aws: LocalAws, malformed: str) -> None:
    assert refusal(InstanceIds=[malformed]) == ("InvalidInstanceID.Malformed", f'Invalid id: "{malformed}"')


def test_the_short_ids_of_old_instances_are_ids(aws: LocalAws) -> None:
    assert refusal(InstanceIds=["i-0a1b2c3d"])[0] == "InvalidInstanceID.NotFound"


def test_filters_narrow_by_each_other_and_widen_by_value(aws: LocalAws) -> None:
    aws.put_instances(
        listing(
            bare(1, VpcId="vpc-1", PrivateDnsName="ip-10-0-0-1.ec2.internal"),
            bare(2, VpcId="vpc-2", PrivateDnsName="ip-10-0-0-1.ec2.internal"),
            {**bare(3, VpcId="vpc-1"), "State": {"Code": 48, "Name": "terminated"}},
            bare(4, VpcId="vpc-1", Tags=[{"Key": "role", "Value": "node"}, {"Key": "env", "Value": "a"}]),
        )
    )

    assert found(("vpc-id", ["vpc-1"]), ("private-dns-name", ["ip-10-0-0-1.ec2.internal"])) == [instance_id(1)]
    assert found(("instance-id", [instance_id(2), instance_id(9)])) == [instance_id(2)]
    assert found(("instance-state-name", ["terminated", "stopped"])) == [instance_id(3)]
    assert found(("tag:role", ["node"])) == [instance_id(4)]
    assert found(("tag:env", ["node"])) == []
    assert found(("vpc-id", ["VPC-1"])) == []


WILDCARDS = [
    pytest.param("prod*", ["prod", "prods", "production"], id="an asterisk is any run of characters"),
    pytest.param("prod?", ["prod", "prods"], id="a question mark is at most one character"),
    pytest.param(r"prod\*", [], id="an escaped asterisk is an asterisk"),
    pytest.param(r"\prod", ["prod"], id="any character can be escaped"),
    pytest.param("pro.", [], id="a full stop is a full stop"),
]


@pytest.mark.parametrize(("value", "names"), WILDCARDS)
def test_filter_values_are_patterns(aws: LocalAws, value: str, names: list[str]) -> None:
    # EC2 User Guide, "Find your Amazon EC2 resources", filtering considerations.
    tagged = {name: number for number, name in enumerate(["prod", "prods", "production", "other"], start=1)}
    aws.put_instances(listing(*(bare(n, Tags=[{"Key": "env", "Value": name}]) for name, n in tagged.items())))

    assert found(("tag:env", [value])) == [instance_id(tagged[name]) for name in names]


def test_an_escaped_wildcard_finds_the_literal(aws: LocalAws) -> None:
    aws.put_instances(listing(NODE))

    assert found(("tag:Name", [r"<a> & b\*"])) == [NODE["InstanceId"]]


def test_an_unknown_filter_is_refused(aws: LocalAws) -> None:
    assert refusal(Filters=[{"Name": "hostname", "Values": ["a"]}]) == (
        "InvalidParameterValue",
        "The filter 'hostname' is invalid",
    )


def test_filters_have_limits(aws: LocalAws) -> None:
    # The same page: 50 filters, 200 values a filter, 255 characters a value.
    assert found(("instance-id", ["i" * 255] * 200), *[("vpc-id", ["vpc-1"])] * 49) == []

    assert refusal(Filters=[{"Name": "instance-id", "Values": ["i"] * 201}])[0] == "FilterLimitExceeded"
    assert refusal(Filters=[{"Name": "instance-id", "Values": ["i" * 256]}])[0] == "FilterLimitExceeded"
    assert refusal(Filters=[{"Name": "instance-id", "Values": ["i"]}] * 51)[0] == "FilterLimitExceeded"


def test_pages_hold_together_when_followed_to_the_end(aws: LocalAws) -> None:
    aws.put_instances(listing(*(bare(number) for number in range(1, 13))))
    pages = list(boto3.client("ec2").get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))

    assert [len(ids_in(page)) for page in pages] == [5, 5, 2]
    assert [each for page in pages for each in ids_in(page)] == [instance_id(number) for number in range(1, 13)]


def test_a_page_is_counted_before_it_is_filtered(aws: LocalAws) -> None:
    # A page without results but with a token is what EC2 gives for a filter that matches late (aws-sdk-ruby #689).
    aws.put_instances(listing(*(bare(number) for number in range(1, 7)), bare(7, VpcId="vpc-1")))
    filters: Any = [{"Name": "vpc-id", "Values": ["vpc-1"]}]
    ec2 = boto3.client("ec2")

    first = ec2.describe_instances(MaxResults=5, Filters=filters)
    second = ec2.describe_instances(MaxResults=5, Filters=filters, NextToken=first["NextToken"])

    assert (ids_in(first), ids_in(second)) == ([], [instance_id(7)])
    assert "NextToken" not in second


REFUSED_PAGES: list[Any] = [
    pytest.param(
        {"MaxResults": 5, "InstanceIds": [instance_id(1)]}, "InvalidParameterCombination", id="with instance ids"
    ),
    pytest.param(
        {"NextToken": "NQ==", "InstanceIds": [instance_id(1)]}, "InvalidParameterCombination", id="a token with ids"
    ),
    pytest.param({"MaxResults": 4}, "InvalidParameterValue", id="fewer than five a page"),
    pytest.param({"MaxResults": 1001}, "InvalidParameterValue", id="more than a thousand a page"),
    pytest.param({"NextToken": "?"}, "InvalidParameterValue", id="a token that EC2 did not give"),
]


@pytest.mark.parametrize(("parameters", "code"), REFUSED_PAGES)
def test_pages_that_ec2_does_not_turn(aws: LocalAws, parameters: dict[str, Any], code: str) -> None:
    aws.put_instances(listing(bare(1)))

    assert refusal(**parameters)[0] == code
