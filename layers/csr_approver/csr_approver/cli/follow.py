"""`explain --watch`: one request, until it has its certificate or is over in another way."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

from csr_approver.cli.conditions import Condition, conditions_of
from csr_approver.cli.report import Explanation, summary, text_block, wrapped
from csr_approver.cli.terminal import progress
from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError
from csr_approver.clients.cluster_reader import ClusterReader
from csr_approver.effects.troubles import explanation
from csr_approver.message import Trouble
from csr_approver.policy.request import SigningRequest, read_signing_request
from csr_approver.policy.verdict import Verdict, shown

_POLL_SECONDS = 2.0
_JUDGE_SECONDS = 10.0
# EKS issues within a minute, mostly (docs/policy.md, NotIssued).
_ISSUED_WITHIN = timedelta(seconds=60)
# client-go, util/certificate: certificateWaitTimeout.
_KUBELET_WAITS_SECONDS = 15 * 60

_ISSUED, _OVER = 0, 1


class Follower:
    """Reads one request again and again, and tells each change in a line."""

    def __init__(
        self,
        cluster: ClusterReader,
        explain: Callable[[Sequence[Any]], list[Explanation]],
        tell: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._cluster, self._explain, self._tell, self._warn = cluster, explain, tell, warn
        self._told_conditions: set[Condition] = set()
        self._told_verdict: Verdict | None = None
        self._judged_at = 0.0
        self._signer_is_late = self._kubelet_is_gone = False

    def follow(self, document: Mapping[str, Any]) -> int:
        """The exit status: 0 when it is issued, 1 when it is denied, failed or deleted. Ctrl-C ends it at any time."""
        request = read_signing_request(document)
        self._begin(document, request)
        try:
            while True:
                outcome = self._look(document, request)
                if outcome is not None:
                    return outcome
                progress(f"{shown(request.name)}: {_state(request)}, {_age(request)} s after it was created")
                found = self._read_again(request.name)
                if found is None or read_signing_request(found).uid != request.uid:
                    self._say(f"deleted, {_age(request)} s after it was created, without a certificate")
                    return _OVER
                document, request = found, read_signing_request(found)
        finally:
            progress("")

    def _begin(self, document: Mapping[str, Any], request: SigningRequest) -> None:
        (explained,) = self._explain([document])
        self._told_verdict, self._judged_at = explained.verdict, monotonic()
        self._tell(text_block(explained, datetime.now(UTC)))
        self._warn(f"following {shown(request.name)} until it is issued, denied, failed or deleted; Ctrl-C ends this")
        self._say(f"created by {shown(request.username or 'nobody')}", request.created_at)

    def _look(self, document: Mapping[str, Any], request: SigningRequest) -> int | None:
        """Tell what is new; the exit status once the request is over."""
        conditions = conditions_of(document)
        for condition in conditions:
            if condition not in self._told_conditions:
                self._told_conditions.add(condition)
                self._say(str(condition), condition.written_at)
        if request.issued:
            self._say(f"issued, {_age(request)} s after it was created")
            return _ISSUED
        if _age(request) >= _KUBELET_WAITS_SECONDS and not self._kubelet_is_gone:
            self._kubelet_is_gone = True
            self._say("15 minutes old: its kubelet does not wait for it any more, and asks anew; explain its node")
        kinds = request.condition_types
        if not kinds.isdisjoint({"Denied", "Failed"}):
            self._say("over: the kubelet asks anew after 2, 4, 8, 16 and then every 32 s; explain its node to see that")
            return _OVER
        if "Approved" in kinds:
            self._look_for_signer(conditions)
        elif monotonic() - self._judged_at >= _JUDGE_SECONDS:
            self._judge(document)
        return None

    def _judge(self, document: Mapping[str, Any]) -> None:
        (explained,) = self._explain([document])
        self._judged_at = monotonic()
        if explained.verdict != self._told_verdict:
            self._told_verdict = explained.verdict
            self._say(f"the verdict is now {summary(explained.verdict)}")

    def _look_for_signer(self, conditions: Sequence[Condition]) -> None:
        approved_at = next((each.written_at for each in conditions if each.kind == "Approved"), None)
        if approved_at and not self._signer_is_late and datetime.now(UTC) - approved_at >= _ISSUED_WITHIN:
            self._signer_is_late = True
            self._say(f"approved, and not issued. {explanation(Trouble.NOT_ISSUED)}")

    def _read_again(self, name: str) -> Mapping[str, Any] | None:
        """The request as it is a moment later; None if it is gone. Goes on while the API server is away."""
        away_since = None
        while True:
            sleep(_POLL_SECONDS)
            try:
                document = self._cluster.get(f"{REQUESTS_PATH}/{quote(name, safe='')}")
            except KubernetesError as error:
                if away_since is None:
                    away_since = monotonic()
                    progress("")
                    self._warn(f"{error}; going on")
                continue
            if away_since is not None:
                self._warn(f"the API server answers again, after {monotonic() - away_since:.0f} s")
            return document

    def _say(self, text: str, at: datetime | None = None) -> None:
        progress("")
        self._tell("\n".join(wrapped(text, f"{at or datetime.now(UTC):%H:%M:%SZ}  ", " " * 11)))
        sys.stdout.flush()


def _state(request: SigningRequest) -> str:
    return "approved, waiting for its certificate" if request.decided else "pending"


def _age(request: SigningRequest) -> int:
    """In seconds, by the clock of this machine."""
    age = datetime.now(UTC) - (request.created_at or datetime.now(UTC))
    return max(0, int(age.total_seconds()))
