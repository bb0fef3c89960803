"""Whose EKS bearer token the local API server believes."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from csr_approver_local.eks_token import verify

KEYS = ReadOnlyCredentials("ASIAEXAMPLE", "secret", "session")
CLUSTER = "demo"


def presigned(
    keys: ReadOnlyCredentials = KEYS, cluster: str | None = CLUSTER, host: str = "sts.eu-west-1.amazonaws.com"
) -> str:
    """The URL as `aws eks get-token` signs it; without a cluster the header is left out."""
    request = AWSRequest(
        "GET",
        f"https://{host}/",
        headers={"x-k8s-aws-id": cluster} if cluster else {},
        params={"Action": "GetCallerIdentity", "Version": "2011-06-15"},
    )
    region = host.split(".")[1] if host.count(".") > 2 else "us-east-1"
    SigV4QueryAuth(keys, "sts", region, expires=60).add_auth(request)
    return str(request.prepare().url)


def token(url: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def check(candidate: str, *, later: timedelta = timedelta()) -> str:
    return verify(candidate, cluster=CLUSTER, credentials=KEYS, now=datetime.now(UTC) + later)


@pytest.mark.parametrize(
    "host", ["sts.eu-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com", "sts.cn-north-1.amazonaws.com.cn"]
)
def test_a_token_made_for_the_cluster_is_its_signers(host: str) -> None:
    assert check(token(presigned(host=host))) == "ASIAEXAMPLE"


def test_the_global_endpoint_is_that_of_us_east_1() -> None:
    assert check(token(presigned(host="sts.amazonaws.com"))) == "ASIAEXAMPLE"


def test_a_token_of_long_term_keys_has_no_session_token() -> None:
    keys = ReadOnlyCredentials("AKIAEXAMPLE", "secret", None)
    made = token(presigned(keys))
    assert verify(made, cluster=CLUSTER, credentials=keys, now=datetime.now(UTC)) == "AKIAEXAMPLE"


def test_a_token_lives_for_fifteen_minutes() -> None:
    made = token(presigned())
    assert check(made, later=timedelta(minutes=14, seconds=55)) == "ASIAEXAMPLE"
    with pytest.raises(ValueError, match="expired"):
        check(made, later=timedelta(minutes=15, seconds=1))


def test_a_token_of_the_future_is_refused() -> None:
    with pytest.raises(ValueError, match="in the future"):
        check(token(presigned()), later=timedelta(seconds=-5))


@pytest.mark.parametrize(
    ("keys", "cluster", "complaint"),
    [
        pytest.param(KEYS, "other", "signature", id="made for another cluster"),
        pytest.param(KEYS, None, "does not sign", id="made for no cluster"),
        pytest.param(KEYS._replace(secret_key="other"), CLUSTER, "signature", id="signed with another secret"),
        pytest.param(KEYS._replace(access_key="ASIAOTHER"), CLUSTER, "not known", id="signed with another key"),
        pytest.param(KEYS._replace(token="other"), CLUSTER, "session token", id="another session"),
    ],
)
def test_a_token_of_somebody_else_is_refused(keys: ReadOnlyCredentials, cluster: str | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(token(presigned(keys, cluster)))


def replacing(old: str, new: str) -> Callable[[str], str]:
    return lambda url: url.replace(old, new)


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        pytest.param(lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"), "signature", id="another signature"),
        pytest.param(replacing("Expires=60", "Expires=61"), "signature", id="a changed parameter"),
        pytest.param(replacing("Expires=60", "Expires=901"), "x-amz-expires", id="an overlong life"),
        pytest.param(replacing("GetCallerIdentity", "GetSessionToken"), "action", id="another action"),
        pytest.param(replacing("2011-06-15", "2010-05-08"), "version", id="another version"),
        pytest.param(replacing("https:", "http:"), "no URL of STS", id="no TLS"),
        pytest.param(replacing("amazonaws.com", "example.com"), "no URL of STS", id="another host"),
        pytest.param(replacing("https://", "https://x@"), "no URL of STS", id="a user name"),
        pytest.param(replacing("amazonaws.com/", "amazonaws.com:8443/"), "no URL of STS", id="a port"),
        pytest.param(replacing("/?", "/x?"), "no URL of STS", id="a path"),
        pytest.param(replacing("eu-west-1.", "eu-west-2."), "not known", id="another region"),
        pytest.param(lambda url: url + "&action=GetCallerIdentity", "twice", id="a parameter twice"),
        pytest.param(lambda url: url + "&x=y", "unknown query parameter: x", id="an unknown parameter"),
        pytest.param(replacing("&X-Amz-Expires=60", ""), "lacks", id="a parameter left out"),
    ],
)
def test_a_tampered_token_is_refused(tamper: Callable[[str], str], complaint: str) -> None:
    url = presigned()
    tampered = tamper(url)
    assert tampered != url
    with pytest.raises(ValueError, match=complaint):
        check(token(tampered))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        pytest.param(replacing("k8s-aws-v1.", "k8s-aws-v2."), "does not begin", id="another prefix"),
        pytest.param(lambda text: text + "=", "padding", id="padding"),
        pytest.param(lambda _: "k8s-aws-v1.", "base64url", id="nothing"),
        pytest.param(lambda _: "k8s-aws-v1._w", "codec", id="no text"),
        pytest.param(lambda text: text + "A" * 4096, "4096", id="over 4 KiB"),
    ],
)
def test_what_is_no_token_is_refused(spoil: Callable[[str], str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(spoil(token(presigned())))
