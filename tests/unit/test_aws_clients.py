"""Where the AWS clients sign for, and which endpoint they ask."""

import pytest
from botocore.awsrequest import AWSPreparedRequest

from csr_approver.clients.aws import AwsClients

ENDPOINT = "https://vpce-0example.iam.us-east-1.vpce.amazonaws.com"


class SentError(Exception):
    """Stops a request where it would leave."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__(request.url)
        self.request = request


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
