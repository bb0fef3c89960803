"""Bearer tokens of EKS, checked as aws-iam-authenticator and STS check them between them.

A token is `k8s-aws-v1.` and, in base64url without padding, the presigned URL of an STS GetCallerIdentity call that
signs the header x-k8s-aws-id with the cluster's name (aws-iam-authenticator pkg/token). Here no STS is asked: the
secret is known, so the signature is made again and compared.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, parse_qsl, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

_PREFIX = "k8s-aws-v1."
_MAX_BYTES = 4096
_CLUSTER_HEADER = "x-k8s-aws-id"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
# STS honours the URL so long after X-Amz-Date, whatever X-Amz-Expires says.
_LIFETIME = timedelta(minutes=15)
_STS_HOST = re.compile(r"sts(?:-fips)?(?:\.(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+))?\.amazonaws\.com(?:\.cn)?")
_GLOBAL_ENDPOINT_REGION = "us-east-1"
_FIXED = {"action": "GetCallerIdentity", "version": "2011-06-15", "x-amz-algorithm": "AWS4-HMAC-SHA256"}
_REQUIRED = (
    *_FIXED,
    *("x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature", "x-amz-signedheaders"),
)
_KNOWN = (*_REQUIRED, "x-amz-security-token")


def verify(token: str, *, cluster: str, credentials: Credentials | ReadOnlyCredentials, now: datetime) -> str:
    """The access key id that signed the token: that of `credentials`.

    `cluster` is the name that must have been signed, `now` an aware time. Raises ValueError for any other token.
    """
    url = urlsplit(_decode(token))
    host = _STS_HOST.fullmatch(url.netloc)
    if url.scheme != "https" or host is None or url.path != "/" or url.fragment:
        raise ValueError(f"the token holds no URL of STS but {url.scheme}://{url.netloc}{url.path}")
    query = _read_query(url)
    _check_date(query["x-amz-date"], now)
    region = host["region"] or _GLOBAL_ENDPOINT_REGION
    scope = f"{query['x-amz-date'][:8]}/{region}/sts/aws4_request"
    if query["x-amz-credential"] != f"{credentials.access_key}/{scope}":
        raise ValueError(f"the token is signed with {query['x-amz-credential']}, which is not known")
    if query.get("x-amz-security-token") != credentials.token:
        raise ValueError("the token holds another session token than that of its access key")
    if not hmac.compare_digest(_signature(url, query, cluster, credentials, region), query["x-amz-signature"]):
        raise ValueError(f"the token's signature is not one of {credentials.access_key} for the cluster {cluster}")
    return query["x-amz-credential"].partition("/")[0]


def _decode(token: str) -> str:
    if len(token.encode()) > _MAX_BYTES:
        raise ValueError(f"the token is longer than {_MAX_BYTES} bytes")
    if not token.startswith(_PREFIX):
        raise ValueError(f"the token does not begin with {_PREFIX}")
    content = token.removeprefix(_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", content):
        raise ValueError("the token is not base64url without padding")
    return base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)).decode()


def _read_query(url: SplitResult) -> Mapping[str, str]:
    """The parameters by lower-case name, each known, given once, and right so far as it is not secret."""
    pairs = [(name.lower(), value) for name, value in parse_qsl(url.query, keep_blank_values=True)]
    query = dict(pairs)
    if len(query) < len(pairs):
        raise ValueError("the token gives a query parameter twice")
    if unknown := query.keys() - set(_KNOWN):
        raise ValueError(f"the token has an unknown query parameter: {', '.join(sorted(unknown))}")
    if missing := set(_REQUIRED) - query.keys():
        raise ValueError(f"the token lacks a query parameter: {', '.join(sorted(missing))}")
    for name, value in _FIXED.items():
        if query[name] != value:
            raise ValueError(f"the token's {name} is {query[name]}, not {value}")
    if _CLUSTER_HEADER not in query["x-amz-signedheaders"].lower().split(";"):
        raise ValueError(f"the token does not sign the header {_CLUSTER_HEADER}")
    seconds = query["x-amz-expires"]
    if not (seconds.isdecimal() and int(seconds) <= _LIFETIME.total_seconds()):
        raise ValueError(f"the token's x-amz-expires is {seconds}, not 0 to 900")
    return query


def _check_date(text: str, now: datetime) -> None:
    signed = datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC)
    if signed > now:
        raise ValueError(f"the token is signed in the future, at {text}")
    if now - signed > _LIFETIME:
        raise ValueError(f"the token is expired: it was signed at {text}, more than 15 minutes ago")


def _signature(
    url: SplitResult,
    query: Mapping[str, str],
    cluster: str,
    credentials: Credentials | ReadOnlyCredentials,
    region: str,
) -> str:
    # The signature covers the query as it was written, but for itself.
    signed = [part for part in url.query.split("&") if not part.lower().startswith("x-amz-signature=")]
    request = AWSRequest("GET", url._replace(query="&".join(signed)).geturl(), headers={_CLUSTER_HEADER: cluster})
    request.context["timestamp"] = query["x-amz-date"]
    auth = SigV4QueryAuth(credentials, "sts", region)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
