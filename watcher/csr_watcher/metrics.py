"""What Prometheus reads: `csr_watcher_...`. README and docs/watcher.md say what to look at."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from csr_watcher import __version__

# A sample with the time of birth beside each counter doubles the page and is read by nobody here.
disable_created_metrics()  # type: ignore[no-untyped-call] # has no types

_LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200)


class Metrics:
    """One process's; in a registry of its own, so that one process can hold several watchers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge("csr_watcher_build_info", "Always 1.", ["version"], registry=self.registry).labels(__version__).set(1)
        self.events = self._counter("events", "Events of the watch.", "type")
        self.malformed = self._counter("malformed", "Objects and lines of the API server that could not be read.")
        self.lists = self._counter("lists", "Complete lists of requests.")
        self.restarts = self._counter("watch_restarts", "Lists and watches that failed.", "cause")
        self.sent = self._counter("sent", "Pointers put on the queue, first and again.")
        self.resent = self._counter("resent", "Those of them that had been sent before.")
        self.send_failures = self._counter("send_failures", "Pointers that SQS did not take; they stay owed.")
        self.superseded = self._counter(
            "superseded", "Requests that are not owed, for their requester floods and has a newer one."
        )
        self.abandoned = self._counter("abandoned", "Requests still pending when the kubelet no longer waits for them.")
        self.heartbeats = self._counter("heartbeats", "Heartbeats put on the queue.")
        self.pending = self._gauge("pending", "Pending requests in the cluster.")
        self.oldest_pending = self._gauge("oldest_pending_seconds", "Age of the oldest of them; 0 without any.")
        self.not_issued = self._gauge("not_issued", "Approved for more than 60 s, without a certificate.")
        self.failed_by_signer = self._gauge("failed_by_signer", "Approved, but failed by the signer, in the last hour.")
        self.created_to_sent = self._histogram(
            "created_to_sent_seconds", "From a request's creation (whole seconds) to the queue, first sends only."
        )
        self.seen_to_sent = self._histogram(
            "seen_to_sent_seconds", "From the first sight of a request to the queue, first sends only."
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"csr_watcher_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"csr_watcher_{name}", meaning, registry=self.registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(f"csr_watcher_{name}", meaning, buckets=_LAG_BUCKETS, registry=self.registry)
