"""Files that would crash, hang or mislead `explain`: each was found by attacking it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.test_explain_errors import assert_refused
from tests.support.command import Command, listed
from tests.support.requests import signing_request

VALID = signing_request()


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = signing_request()
    change(document)
    return document


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &a [x]\nb: *a\n", id="aliases, which multiply"),
        pytest.param("a: &a {x: 1}\nb: {<<: *a}\n", id="merged mappings, which multiply"),
        pytest.param("[" * 50_000 + "x", id="50,000 open brackets"),
        pytest.param("- " * 50_000 + "x", id="50,000 nested lists"),
        pytest.param("{a: " * 50_000 + "x", id="50,000 nested mappings"),
    ],
)
def test_a_yaml_bomb_is_refused_at_once(command: Command, text: str) -> None:
    started = time.monotonic()
    assert_refused(command.explain("--csr", command.file(text, "csr.yaml")), "csr.yaml")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            changed(lambda csr: csr["metadata"].update(creationTimestamp="0001-01-01T00:00:00+01:00")),
            id="a time before the first year",
        ),
        pytest.param(
            changed(lambda csr: csr["metadata"].update(creationTimestamp="9999-12-31T23:59:59-01:00")),
            id="a time after the last year",
        ),
        pytest.param(changed(lambda csr: csr["spec"].update(expirationSeconds=[[]] * 1000)), id="a list of seconds"),
        pytest.param(changed(lambda csr: csr["spec"].update(expirationSeconds=10**4000)), id="absurdly many seconds"),
    ],
)
def test_an_odd_request_is_judged_and_harms_no_other(command: Command, document: dict[str, Any]) -> None:
    ran = command.explain("--output=json", "--csr", command.file(listed(document, VALID)))
    assert ran.status == 0
    assert ran.verdicts[1] == "Approve"


def test_a_request_of_the_last_second_of_time_is_judged_by_name_too(command: Command) -> None:
    csr = signing_request(instance_id=None)
    csr["metadata"]["creationTimestamp"] = "9999-12-31T23:59:59Z"
    ran = command.explain("--output=json", "--set=instance-binding=prefer", "--csr", command.file(csr))
    assert ran.verdicts == ["Approve"]


def test_a_zone_file_of_a_windows_editor_is_read(command: Command) -> None:
    zone = command.file("\ufeffip-10-0-1-23.us-west-2.compute.internal. A 10.0.1.24\n", "zone.db")
    ran = command.explain("--output=json", "--csr", command.file(VALID), zone=zone)
    assert ran.verdicts == ["Deny"]


def test_a_zone_file_that_generates_records_is_refused(command: Command) -> None:
    zone = command.file("$GENERATE 1-3000000 host-$ A 10.0.0.1\n", "zone.db")
    assert_refused(command.explain("--csr", command.file(VALID), zone=zone), "zone.db:1", "$GENERATE")
