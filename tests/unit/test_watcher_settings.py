"""The watcher's settings: two spellings, and a line for each mistake."""

from typing import Any

import pytest

from csr_approver.environment import SettingsError
from csr_watcher.settings import Listen, Settings, read_settings

URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/csr-queue"
GIVEN = {"CSR_WATCHER_CLUSTER": "demo", "CSR_WATCHER_QUEUE_URL": URL}


def test_only_cluster_and_queue_must_be_given() -> None:
    assert read_settings([], GIVEN, "some-host") == Settings("demo", URL)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("forward-approved", "true", {"forward_approved": True}),
        ("forward-approved", "false", {"forward_approved": False}),
        ("ordinal", "3", {"ordinal": 3}),
        ("listen", "127.0.0.1:9090", {"listen": Listen("127.0.0.1", 9090)}),
        ("listen", "[::1]:9090", {"listen": Listen("::1", 9090)}),
        ("listen", ":0", {"listen": Listen("", 0)}),
        ("burst", "5", {"burst": 5}),
        ("refill-seconds", "30", {"refill_seconds": 30}),
        ("log-level", "debug", {"log_level": "DEBUG"}),
        ("kubeconfig", "/etc/k", {"kubeconfig": "/etc/k"}),
    ],
)
def test_both_spellings(key: str, value: str, expected: dict[str, Any]) -> None:
    variable = "CSR_WATCHER_" + key.upper().replace("-", "_")
    wanted = Settings("demo", URL, **expected)
    assert read_settings([f"--{key}", value], GIVEN, "host") == wanted
    assert read_settings([], GIVEN | {variable: value}, "host") == wanted


def test_a_flag_goes_before_the_environment() -> None:
    assert read_settings(["--cluster", "flag"], GIVEN, "host").cluster == "flag"


@pytest.mark.parametrize(
    ("hostname", "ordinal"), [("csr-watcher-0", 0), ("csr-watcher-1", 1), ("csr-watcher-12", 12), ("laptop", 0)]
)
def test_the_ordinal_is_the_stateful_sets(hostname: str, ordinal: int) -> None:
    assert read_settings([], GIVEN, hostname).ordinal == ordinal


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (URL, "eu-west-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com/111122223333/q", "us-gov-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q", "cn-north-1"),
        ("https://sqs-fips.us-east-1.amazonaws.com/111122223333/q", "us-east-1"),
        ("https://sqs.us-east-2.api.aws/111122223333/q", "us-east-2"),
        ("https://vpce-0a1b.sqs.us-east-1.vpce.amazonaws.com/111122223333/q", "us-east-1"),
        ("http://127.0.0.1:4566/111122223333/q", None),
    ],
)
def test_the_region_is_the_queues(url: str, region: str | None) -> None:
    assert Settings("demo", url).region == region


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("CLUSTER", "", "CSR_WATCHER_CLUSTER (--cluster) is missing"),
        ("QUEUE_URL", "", "CSR_WATCHER_QUEUE_URL (--queue-url) is missing"),
        ("QUEUE_URL", "csr-queue", "must be a queue's URL"),
        ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/csr-queue", "must be a queue's URL"),
        ("QUEUE_URL", f"{URL}.fifo", "must be a standard queue"),
        ("FORWARD_APPROVED", "yes", "must be true or false"),
        ("ORDINAL", "-1", "must be a whole number from 0"),
        ("ORDINAL", "one", "must be a whole number from 0"),
        ("LISTEN", "8080", "must be HOST:PORT"),
        ("LISTEN", ":99999", "must be HOST:PORT"),
        ("BURST", "0", "must be a whole number from 1"),
        ("REFILL_SECONDS", "0", "must be a whole number from 1"),
        ("LOG_LEVEL", "loud", "must be one of DEBUG"),
        ("QUEUE", URL, "unknown variable CSR_WATCHER_QUEUE; there are: CSR_WATCHER_CLUSTER"),
    ],
)
def test_a_mistake_is_named(variable: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings([], GIVEN | {f"CSR_WATCHER_{variable}": value}, "host")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_each_mistake_has_its_line() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings([], {"CSR_WATCHER_BURST": "many", "CSR_WATCHER_COLOUR": "red"}, "host")
    assert len(str(raised.value).splitlines()) == 4
