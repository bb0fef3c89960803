"""`explain --watch`: one request, from its creation to its certificate, with every change in a line."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csr_approver.cli import follow
from csr_approver_local.kubernetes_api import KubernetesApi
from csr_approver_local.system import System
from tests.api_client import ApiClient
from tests.support.command import Command, Ran
from tests.support.requests import NODE_NAME, signing_request

APPROVED = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": "By EKS."}
DENIED = {"type": "Denied", "status": "True", "reason": "AddressNotOfInstance", "message": "10.0.1.24 is not its own."}
FAILED = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": "no."}
ISSUED = {"certificate": "LS0tLS1CRUdJTg=="}

Step = Callable[[], object]


class Watch:
    """`explain --watch` on one request, where each pause of the command is the next step of a story."""

    def __init__(
        self, command: Command, kubernetes: KubernetesApi, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._command, self._kubernetes, self._kubeconfig = command, kubernetes, kubeconfig
        self._steps: list[Step] = []
        self._seconds = 0.0
        monkeypatch.setattr(follow, "sleep", self._sleep)
        monkeypatch.setattr(follow, "monotonic", lambda: self._seconds)
        self._now = datetime.now(UTC).isoformat()
        self.document = signing_request(age_seconds=30)
        self.put()

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    def put(self, *conditions: dict[str, Any], **status: Any) -> None:
        """The request has this status from now on."""
        told = [{"lastUpdateTime": self._now} | condition for condition in conditions]
        self._kubernetes.load(self.document | {"status": {"conditions": told} | status})

    def delete(self) -> None:
        with ApiClient(self._kubernetes.url, self._kubernetes.ca_pem, "janitor") as janitor:
            assert janitor.delete(self.name).status == 200

    def follow(self, *steps: Step, name: str = "") -> Ran:
        """Ends in an error if the command still waits after the last step."""
        self._steps = list(steps)
        return self._command.run("explain", name or self.name, "--watch", "--kubeconfig", self._kubeconfig)

    def _sleep(self, seconds: float) -> None:
        self._seconds += seconds
        self._steps.pop(0)()


@pytest.fixture
def watch(
    command: Command, system: System, kubernetes: KubernetesApi, kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> Watch:
    return Watch(command, kubernetes, kubeconfig, monkeypatch)


def wait() -> None:
    """Nothing happens."""


def story(ran: Ran) -> list[str]:
    """The lines after the explanation, without their times, each continued line with its first."""
    lines: list[str] = []
    for line in ran.out.splitlines():
        if re.match(r"\d\d:\d\d:\d\dZ  ", line):
            lines.append(line[11:])
        elif lines:
            lines[-1] += f" {line.strip()}"
    return lines


def test_a_request_is_followed_to_its_certificate(watch: Watch) -> None:
    ran = watch.follow(wait, lambda: watch.put(APPROVED), wait, lambda: watch.put(APPROVED, **ISSUED))
    assert ran.status == 0
    assert f"{watch.name}: Approve\n" in ran.out
    created, approved, issued = story(ran)
    assert created == f"created by system:node:{NODE_NAME}"
    assert approved == "Approved: AutoApproved: By EKS."
    assert re.fullmatch(r"issued, 3\d s after it was created", issued)
    assert ran.err == (
        f"csr-approver: following {watch.name} until it is issued, denied, failed or deleted; Ctrl-C ends this\n"
    )


def test_only_get_is_asked_of_the_cluster(watch: Watch, kubernetes: KubernetesApi) -> None:
    assert watch.follow(lambda: watch.put(**ISSUED)).status == 0
    assert {method for method, _, _ in kubernetes.requests} == {"GET"}


@pytest.mark.parametrize(("age_seconds", "times"), [(14 * 60, 0), (15 * 60, 1)])
def test_a_request_that_its_kubelet_has_given_up_is_told_once(watch: Watch, age_seconds: float, times: int) -> None:
    watch.document = signing_request(age_seconds=age_seconds)
    watch.put()
    ran = watch.follow(wait, wait, lambda: watch.put(**ISSUED))
    assert len([line for line in story(ran) if "asks anew" in line]) == times


def test_a_request_that_is_issued_already_ends_at_once(watch: Watch) -> None:
    watch.put(APPROVED, **ISSUED)
    ran = watch.follow()
    assert ran.status == 0
    assert story(ran)[-1].startswith("issued, ")


@pytest.mark.parametrize("condition", [DENIED, FAILED], ids=["denied", "failed"])
def test_a_request_that_ends_without_certificate(watch: Watch, condition: dict[str, Any]) -> None:
    ran = watch.follow(wait, lambda: watch.put(condition))
    assert ran.status == 1
    _, decision, over = story(ran)
    assert condition["type"] in decision
    assert condition["message"] in decision
    assert "the kubelet asks anew" in over


def test_a_request_that_vanishes(watch: Watch) -> None:
    ran = watch.follow(wait, watch.delete)
    assert ran.status == 1
    assert re.fullmatch(r"deleted, 3\d s after it was created, without a certificate", story(ran)[-1])


def test_a_request_that_is_made_anew_under_its_name(watch: Watch) -> None:
    def make_anew() -> None:
        watch.document["metadata"]["uid"] = "another"
        watch.put(**ISSUED)

    ran = watch.follow(make_anew)
    assert ran.status == 1
    assert story(ran)[-1].startswith("deleted, ")


def test_the_verdict_is_found_anew_while_the_request_is_pending(watch: Watch, system: System) -> None:
    """Every ten seconds, and told when it is another one."""
    ran = watch.follow(
        *[wait] * 5,
        lambda: system.aws.put_instances({"Reservations": []}),
        *[wait] * 10,
        lambda: watch.put(**ISSUED),
    )
    _, verdict, _ = story(ran)
    assert verdict.startswith("the verdict is now Undetermined; InstanceNotFound: ")
    assert [call.operation for call in system.aws.calls].count("DescribeCluster") == 1
    asked = [call for call in system.aws.calls if call.operation == "DescribeInstances"]
    assert 4 <= len(asked) <= 8


def test_an_approved_request_that_is_not_issued_is_explained_once(watch: Watch) -> None:
    long_ago = (datetime.now(UTC) - timedelta(seconds=61)).isoformat()
    watch.put(APPROVED | {"lastUpdateTime": long_ago})
    ran = watch.follow(wait, wait, lambda: watch.put(APPROVED | {"lastUpdateTime": long_ago}, **ISSUED))
    told = [line for line in story(ran) if line.startswith("approved, and not issued.")]
    assert len(told) == 1
    assert "On EKS the signer is EKS's own" in told[0]
    assert ran.status == 0


def test_a_request_that_was_approved_just_now_is_given_time(watch: Watch) -> None:
    ran = watch.follow(lambda: watch.put(APPROVED), wait, lambda: watch.put(APPROVED, **ISSUED))
    assert not [line for line in story(ran) if "not issued" in line]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_api_server_that_goes_away_is_waited_for(watch: Watch, kubernetes: KubernetesApi, status: int) -> None:
    def refuse() -> None:
        kubernetes.fail_next("GET", watch.name, status, times=3)

    ran = watch.follow(wait, refuse, wait, wait, wait, lambda: watch.put(**ISSUED))
    assert ran.status == 0
    _, away, back = ran.err.splitlines()
    assert f"the API server answered {status}" in away
    assert away.endswith("; going on")
    assert back == "csr-approver: the API server answers again, after 6 s"


def test_connections_that_are_cut_are_made_anew(watch: Watch, kubernetes: KubernetesApi) -> None:
    ran = watch.follow(wait, kubernetes.disconnect, wait, lambda: watch.put(**ISSUED))
    assert ran.status == 0


def test_an_interrupt_ends_it_without_a_word(watch: Watch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    ran = watch.follow(wait, interrupt)
    assert ran.status == 130
    assert len(story(ran)) == 1
    assert len(ran.err.splitlines()) == 1


def test_a_node_is_followed_by_its_newest_request(watch: Watch) -> None:
    ran = watch.follow(lambda: watch.put(**ISSUED), name=NODE_NAME)
    assert ran.status == 0
    assert f"this is {watch.name}, the newest" in ran.err


def test_on_a_terminal_the_waiting_is_shown(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    ran = watch.follow(wait, lambda: watch.put(APPROVED), lambda: watch.put(APPROVED, **ISSUED))
    assert re.search(rf"\r\x1b\[K{watch.name}: pending, 3\d s after it was created", ran.err)
    assert f"{watch.name}: approved, waiting for its certificate, " in ran.err
    assert ran.err.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="without a name"),
        pytest.param(["csr-1", "csr-2"], id="with two"),
        pytest.param(["csr-1", "--csr", "csr.json"], id="in a file"),
        pytest.param(["csr-1", "--output", "json"], id="as JSON"),
        pytest.param(["csr-1", "--now", "2026-01-01T13:30:53Z"], id="at another time"),
    ],
)
def test_what_cannot_be_followed_is_refused(command: Command, arguments: list[str]) -> None:
    ran = command.run("explain", "--watch", *arguments)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "--watch" in ran.err


def test_a_request_that_is_not_there_is_not_waited_for(watch: Watch) -> None:
    ran = watch.follow(name="csr-zzzzz")
    assert (ran.status, ran.out) == (2, "")
