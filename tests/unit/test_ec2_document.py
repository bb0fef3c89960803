"""EC2's form of an instance, from boto3 or from the AWS CLI, read into the policy's."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from csr_approver.evidence.ec2_document import read_reservations
from csr_approver.policy.instance import Instance, Interface, InterfaceIpv6, PrivateAddress

ATTACHED_AT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "InstanceId": "i-0123456789abcdef0",
    "State": {"Code": 16, "Name": "running"},
    "VpcId": "vpc-0a1b2c3d4e5f60718",
    "PrivateDnsName": "ip-10-0-1-23.us-west-2.compute.internal",
    "PublicDnsName": "ec2-54-186-12-34.us-west-2.compute.amazonaws.com",
    "PublicIpAddress": "54.186.12.34",
    "Ipv6Address": "2600::17",
    "PrivateDnsNameOptions": {"HostnameType": "ip-name"},
    "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/P", "Id": "AIPA"},
    "Tags": [{"Key": "kubernetes.io/cluster/demo", "Value": "owned"}, {"Key": "empty", "Value": ""}],
    "NetworkInterfaces": [
        {
            "Attachment": {
                "AttachTime": ATTACHED_AT,
                "DeviceIndex": 0,
                "NetworkCardIndex": 0,
                "Status": "attached",
            },
            "VpcId": "vpc-0a1b2c3d4e5f60718",
            "PrivateIpAddresses": [
                {
                    "PrivateIpAddress": "10.0.1.23",
                    "Primary": True,
                    "Association": {
                        "PublicIp": "54.186.12.34",
                        "CarrierIp": "155.146.0.1",
                        "PublicDnsName": "EC2-54-186-12-34.us-west-2.compute.amazonaws.com.",
                    },
                },
                {"PrivateIpAddress": "10.0.1.99", "Primary": False},
            ],
            "Ipv6Addresses": [{"Ipv6Address": "2600::17", "IsPrimaryIpv6": True}, {"Ipv6Address": "2600::18"}],
            "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.2.0/28"}],
            "Ipv6Prefixes": [{"Ipv6Prefix": "2600:0:0:0:1::/80"}],
        }
    ],
}


def read(document: dict[str, Any], owner_id: object = "111122223333") -> Instance:
    (instance,) = read_reservations([{"OwnerId": owner_id, "Instances": [document]}])
    return instance


def changed(change: Callable[[dict[str, Any]], object]) -> Instance:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return read(document)


def test_everything_that_the_rules_read_is_there() -> None:
    assert read(DOCUMENT) == Instance(
        instance_id="i-0123456789abcdef0",
        account_id="111122223333",
        state="running",
        vpc_id="vpc-0a1b2c3d4e5f60718",
        private_dns_name="ip-10-0-1-23.us-west-2.compute.internal",  # type: ignore[arg-type]
        public_dns_name="ec2-54-186-12-34.us-west-2.compute.amazonaws.com",  # type: ignore[arg-type]
        resource_name_resolves=False,
        public_address=ip_address("54.186.12.34"),
        ipv6_address=ip_address("2600::17"),  # type: ignore[arg-type]
        profile_arn="arn:aws:iam::111122223333:instance-profile/P",
        tags={"kubernetes.io/cluster/demo": "owned", "empty": ""},
        interfaces=(
            Interface(
                device_index=0,
                network_card_index=0,
                attached=True,
                attached_at=ATTACHED_AT,
                vpc_id="vpc-0a1b2c3d4e5f60718",
                private_addresses=(
                    PrivateAddress(
                        ip_address("10.0.1.23"),  # type: ignore[arg-type]
                        primary=True,
                        public_addresses=frozenset({ip_address("54.186.12.34"), ip_address("155.146.0.1")}),  # type: ignore[arg-type]
                        public_name="ec2-54-186-12-34.us-west-2.compute.amazonaws.com",  # type: ignore[arg-type]
                    ),
                    PrivateAddress(ip_address("10.0.1.99"), False, frozenset(), None),  # type: ignore[arg-type]
                ),
                ipv6_addresses=(
                    InterfaceIpv6(ip_address("2600::17"), primary=True),  # type: ignore[arg-type]
                    InterfaceIpv6(ip_address("2600::18"), primary=False),  # type: ignore[arg-type]
                ),
                prefixes=(ip_network("10.0.2.0/28"), ip_network("2600:0:0:0:1::/80")),
            ),
        ),
    )


def test_what_the_aws_cli_prints_is_read_alike() -> None:
    assert read(json.loads(json.dumps(DOCUMENT, default=datetime.isoformat))) == read(DOCUMENT)


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(ATTACHED_AT.astimezone(timezone(timedelta(hours=-8))), id="a datetime in another zone"),
        pytest.param("2026-11-22T07:00:00+00:00", id="as the AWS CLI 2 prints it"),
        pytest.param("2026-11-22T07:00:00.000Z", id="as the AWS CLI 1 prints it"),
    ],
)
def test_an_attach_time_is_read(time: object) -> None:
    instance = changed(lambda document: document["NetworkInterfaces"][0]["Attachment"].update(AttachTime=time))
    assert instance.interfaces[0].attached_at == ATTACHED_AT


@pytest.mark.parametrize("time", [None, "", "2026-11-22T07:00:00", "yesterday", 1795334400], ids=repr)
def test_a_time_that_cannot_be_read_is_none(time: object) -> None:
    instance = changed(lambda document: document["NetworkInterfaces"][0]["Attachment"].update(AttachTime=time))
    assert instance.interfaces[0].attached_at is None


@pytest.mark.parametrize(
    ("options", "resolves"),
    [
        pytest.param({"HostnameType": "resource-name"}, True, id="a resource name"),
        pytest.param({"HostnameType": "ip-name", "EnableResourceNameDnsARecord": True}, True, id="an A record"),
        pytest.param({"HostnameType": "ip-name", "EnableResourceNameDnsAAAARecord": True}, True, id="an AAAA record"),
        pytest.param({"HostnameType": "ip-name", "EnableResourceNameDnsARecord": False}, False, id="neither"),
        pytest.param({"EnableResourceNameDnsARecord": "true"}, False, id="a record that is enabled in words"),
        pytest.param(None, False, id="no options"),
    ],
)
def test_the_resource_name_resolves_as_the_options_say(options: object, resolves: bool) -> None:
    instance = changed(lambda document: document.update(PrivateDnsNameOptions=options))
    assert instance.resource_name_resolves is resolves


@pytest.mark.parametrize(
    "key",
    ["VpcId", "PrivateDnsName", "PublicDnsName", "PublicIpAddress", "Ipv6Address", "IamInstanceProfile", "Tags"],
)
def test_what_a_young_instance_lacks_is_absent(key: str) -> None:
    """An empty string is EC2's word for a name that is not there yet."""
    assert changed(lambda document: document.pop(key)) == changed(lambda document: document.update({key: ""}))
    assert changed(lambda document: document.pop(key)) != read(DOCUMENT)


@pytest.mark.parametrize("name", ["ip-10-0-1-23.corp.example lab.example", "*.internal", "10.0.1.23", "a_b"])
def test_a_name_that_is_no_host_name_is_absent(name: str) -> None:
    """A DHCP option with two domains makes the first of them."""
    assert changed(lambda document: document.update(PrivateDnsName=name)).private_dns_name is None


def test_an_instance_without_interfaces_has_none() -> None:
    instance = changed(lambda document: document.pop("NetworkInterfaces"))
    assert (instance.interfaces, instance.primary_interface, instance.is_complete) == ((), None, False)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"State": {"Name": "running"}}, id="without id"),
        pytest.param({"InstanceId": "i-0123456789abcdef0"}, id="without state"),
        pytest.param({"InstanceId": 5, "State": {"Name": "running"}}, id="with a number for an id"),
        pytest.param({"InstanceId": "i-0123456789abcdef0", "State": "running"}, id="with a string for a state"),
        pytest.param(None, id="that is null"),
    ],
)
def test_an_instance_that_cannot_be_told_from_others_is_left_out(document: object) -> None:
    assert [*read_reservations([{"OwnerId": "1", "Instances": [document, DOCUMENT]}])] == [read(DOCUMENT, "1")]


@pytest.mark.parametrize("reservations", [None, {}, "x", [None], [{}], [{"Instances": None}]], ids=repr)
def test_no_reservation_is_no_instance(reservations: object) -> None:
    assert [*read_reservations(reservations)] == []
