"""The local AWS, with this process's environment leading every boto3 client to it."""

from collections.abc import Iterator

import pytest

from csr_approver_local.aws import LocalAws


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAws]:
    """An empty account in eu-west-1. boto3 retries nothing, so that each call is one request."""
    with LocalAws("eu-west-1", "111122223333") as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield aws
