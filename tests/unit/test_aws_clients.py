"""Where the AWS clients sign for, which endpoint they ask, and how they read times."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from csr_approver.clients.aws import AwsClients

ENDPOINT = "https://vpce-0example.iam.us-east-1.vpce.amazonaws.com"


class SentError(Exception):
    """Stops a request where it would leave."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__(request.url)
        self.request = request


class Raw(bytes):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self


def sent_to_iam(region: str) -> AWSPreparedRequest:
    client = AwsClients(region).iam

    def stop(request: AWSPreparedRequest, **_: object) -> None:
        raise SentError(request)

    client.meta.events.register("before-send", stop)
    with pytest.raises(SentError) as caught:
        client.get_role(RoleName="NodeRole")
    return caught.value.request


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.mark.parametrize(
    ("region", "host", "signed_for"),
    [
        ("eu-west-1", "iam.amazonaws.com", "us-east-1"),
        ("cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("us-gov-east-1", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
    ],
)
def test_iam_is_asked_in_its_own_region(region: str, host: str, signed_for: str) -> None:
    request = sent_to_iam(region)
    assert request.url == f"https://{host}/"
    assert f"/{signed_for}/iam/" in str(request.headers["Authorization"])


def test_through_a_vpc_endpoint_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", ENDPOINT)
    request = sent_to_iam("eu-west-1")
    assert request.url == f"{ENDPOINT}/"
    assert "/us-east-1/iam/" in str(request.headers["Authorization"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-11-26T01:02:03.000Z", id="EC2"),
        pytest.param("2026-11-26T01:02:03Z", id="IAM"),
        pytest.param("1795654923", id="seconds since 1970"),
        pytest.param("Thu, 26 Nov 2026 01:02:03 GMT", id="HTTP"),
    ],
)
def test_times_are_what_botocore_makes_of_them(text: str) -> None:
    launched = f"<instancesSet><item><launchTime>{text}</launchTime></item></instancesSet>"
    content = f"<r><reservationSet><item>{launched}</item></reservationSet></r>".encode()
    client: Any = AwsClients("eu-west-1").ec2
    client.meta.events.register(
        "before-send", lambda **_: AWSResponse("https://ec2.example", 200, HTTPHeaders(), Raw(content))
    )
    instance = client.describe_instances()["Reservations"][0]["Instances"][0]
    assert instance["LaunchTime"] == datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)
