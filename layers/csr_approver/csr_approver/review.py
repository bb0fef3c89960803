"""Where the rest meets: pointers in, requests read, judged and decided, what became of each out.

A batch works as a batch: requests are read in parallel, EC2 is asked once, DNS in parallel, and each decision is
written as soon as it is found. Nothing is written after the time is up.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from csr_approver.assess import Assessor
from csr_approver.clients.api_server import KubernetesError
from csr_approver.clients.aws import describe_error
from csr_approver.effects.approvals import Approvals, Written, write_decision
from csr_approver.effects.denials import DenialContext, denial_record
from csr_approver.effects.outcome import Effect, Review
from csr_approver.message import Pointer
from csr_approver.policy.observation import Absent, Observation, Seen, Unavailable
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import SigningRequest, read_signing_request
from csr_approver.policy.settings import Mode
from csr_approver.policy.verdict import Approve, Deny, Finding, Ignore, Undetermined, Verdict

_PARALLEL_REQUESTS = 32
_MAX_ROUNDS = 3  # of reading and deciding again, when somebody else changes the object in between


class Requests(Approvals, Protocol):
    """The API server's requests."""

    def get(self, name: str) -> dict[str, Any] | None:
        """The object, or None. Raises KubernetesError."""


class Denials(Protocol):
    """Where denial records go."""

    def send(self, record: dict[str, Any]) -> None:
        """Raises botocore's exceptions; then nothing may be denied."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A request as it was read: the object that a decision is written to, and what the rules read of it."""

    pointer: Pointer
    document: Mapping[str, Any]
    request: SigningRequest

    def reviewed(self, effect: Effect, verdict: Verdict, error: str | None = None) -> Review:
        return Review(self.pointer, effect, verdict, self.request, error)


class _Batch:
    """The reviews of one batch, and whether it still has time."""

    def __init__(self, pointers: Sequence[Pointer]) -> None:
        self.pointers = tuple(dict.fromkeys(pointers))
        self._reviews: dict[Pointer, Review] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def has_time(self) -> bool:
        """Asked before each write: evidence must not outlive its invocation."""
        return not self._closed

    def finish(self, review: Review) -> None:
        with self._lock:
            self._reviews.setdefault(review.pointer, review)

    def unfinished(self, pointer: Pointer) -> bool:
        with self._lock:
            return pointer not in self._reviews

    def close(self) -> list[Review]:
        with self._lock:
            self._closed = True
            return [self._reviews.get(pointer, Review(pointer, Effect.OUT_OF_TIME)) for pointer in self.pointers]


class Reviewer:
    """Judges requests and carries the verdicts out; used for one batch after another."""

    def __init__(
        self,
        requests: Callable[[], Observation[Requests]],
        assessor: Assessor,
        denials: Denials,
        context: DenialContext,
        now: Callable[[], datetime],
        on_error: Callable[[Pointer, Exception], None],
    ) -> None:
        """`on_error` is told of an exception that nobody expected, and of the pointer at which it arose."""
        self._requests, self._assessor, self._denials = requests, assessor, denials
        self._context, self._now, self._on_error = context, now, on_error
        self._pool = ThreadPoolExecutor(_PARALLEL_REQUESTS, "request")

    def review(self, pointers: Sequence[Pointer], seconds: float) -> list[Review]:
        """One Review for each distinct pointer, within `seconds`; what is not finished by then is OUT_OF_TIME.

        Without a pointer there is no call to anybody.
        """
        if not pointers:
            return []
        batch = _Batch(pointers)
        thread = threading.Thread(target=self._run, args=(batch,), name="batch", daemon=True)
        thread.start()
        thread.join(seconds)
        return batch.close()

    def _run(self, batch: _Batch) -> None:
        try:
            match self._requests():
                case Absent(detail) | Unavailable(detail):
                    unread = Undetermined((Finding(Reason.CLUSTER_UNREADABLE, "cluster", detail),))
                    for pointer in batch.pointers:
                        batch.finish(Review(pointer, Effect.LEFT, unread))
                case Seen(api):
                    results = list(self._pool.map(lambda pointer: self._read(api, pointer), batch.pointers))
                    for result in results:
                        if isinstance(result, Review):
                            batch.finish(result)
                    self._decide(api, [result for result in results if isinstance(result, _Read)], batch)
        except Exception as error:  # the thread's last resort: whatever it is, the messages come back
            for pointer in filter(batch.unfinished, batch.pointers):
                batch.finish(self._failed(pointer, error))

    def _read(self, api: Requests, pointer: Pointer) -> _Read | Review:
        try:
            document = api.get(pointer.name)
        except KubernetesError as error:
            finding = Finding(Reason.REQUEST_UNREADABLE, pointer.name, str(error))
            return Review(pointer, Effect.LEFT, Undetermined((finding,)))
        except Exception as error:
            return self._failed(pointer, error)
        request = read_signing_request(document)
        if document is None or request.uid != pointer.uid:
            finding = Finding(Reason.REQUEST_GONE, pointer.name, f"with uid {pointer.uid} is gone")
            return Review(pointer, Effect.NOTHING, Ignore(finding))
        return _Read(pointer, document, request)

    def _decide(self, api: Requests, reads: Sequence[_Read], batch: _Batch) -> None:
        settling: list[Future[None]] = []
        undecided = set(range(len(reads)))
        try:
            for assessment in self._assessor.assess([read.request for read in reads]):
                undecided.discard(assessment.position)
                read = reads[assessment.position]
                settling.append(self._pool.submit(self._settle, api, read, assessment.verdict, batch))
        except Exception as error:
            # A fault of ours at one request must not take its neighbours down: each is tried alone.
            if len(reads) == 1:
                batch.finish(self._failed(reads[0].pointer, error))
            else:
                for position in sorted(undecided):
                    self._decide(api, [reads[position]], batch)
        wait(settling)

    def _settle(self, api: Requests, read: _Read, verdict: Verdict, batch: _Batch) -> None:
        try:
            batch.finish(self._carried_out(api, read, verdict, batch))
        except Exception as error:
            batch.finish(self._failed(read.pointer, error))

    def _carried_out(self, api: Requests, read: _Read, verdict: Verdict, batch: _Batch) -> Review:
        review = self._carry_out(api, read, verdict, batch)
        for _ in range(_MAX_ROUNDS - 1):
            if review:
                return review
            again = self._read(api, read.pointer)
            if isinstance(again, Review):
                return again
            read = again
            (assessment,) = self._assessor.assess([read.request])
            verdict = assessment.verdict
            review = self._carry_out(api, read, verdict, batch)
        return review or read.reviewed(Effect.WRITE_FAILED, verdict, "the request kept changing while it was decided")

    def _carry_out(self, api: Requests, read: _Read, verdict: Verdict, batch: _Batch) -> Review | None:
        """The review, or None if the object is no longer the one that was judged."""
        match verdict:
            case Ignore():
                return read.reviewed(Effect.NOTHING, verdict)
            case Undetermined():
                return read.reviewed(Effect.LEFT, verdict)
            case Approve() if self._context.mode is Mode.OBSERVE:
                return read.reviewed(Effect.NOTHING, verdict)
            case Deny() if not verdict.may_be_written(read.request.created_at, self._now()):
                return read.reviewed(Effect.POSTPONED, verdict)
            case Approve() | Deny():
                if not batch.has_time:
                    return read.reviewed(Effect.OUT_OF_TIME, verdict)
                return self._write(api, read, verdict)

    def _write(self, api: Requests, read: _Read, verdict: Approve | Deny) -> Review | None:
        """A denial is on record before it is written: one without a record would be a bug, the reverse is a repeat."""
        now = self._now()
        try:
            if isinstance(verdict, Deny):
                self._denials.send(denial_record(read.request, verdict, self._context, now))
                if not self._context.written:
                    return read.reviewed(Effect.RECORDED, verdict)
            if write_decision(api, read.document, verdict, now) is Written.OVERTAKEN:
                return None
        except KubernetesError as error:
            return read.reviewed(Effect.WRITE_FAILED, verdict, str(error))
        except (ClientError, BotoCoreError) as error:
            return read.reviewed(Effect.WRITE_FAILED, verdict, f"no record of the denial: {describe_error(error)}")
        return read.reviewed(Effect.DENIED if isinstance(verdict, Deny) else Effect.APPROVED, verdict)

    def _failed(self, pointer: Pointer, error: Exception) -> Review:
        self._on_error(pointer, error)
        return Review(pointer, Effect.ERROR, error=type(error).__name__)
