"""What an audit reads: requests with their verdicts, nodes, and what kubelets present."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from csr_approver.cli.audit.looking import Looker
from csr_approver.cli.audit.nodes import Look, NodeState, node_state
from csr_approver.cli.audit.requests import RequestState, ended_request, is_over, open_request
from csr_approver.cli.failures import cluster_failure
from csr_approver.cli.find import RESOURCE
from csr_approver.cli.inputs import InputError, read_objects, read_requests, read_text
from csr_approver.cli.live import Live
from csr_approver.cli.mapping import Diagnosis
from csr_approver.cli.mapping_sources import Diagnoser
from csr_approver.cli.sources import Sources, find_sources
from csr_approver.cli.terminal import progress
from csr_approver.clients.api_server import REQUESTS_PATH, KubernetesError
from csr_approver.policy.reason import Reason
from csr_approver.policy.request import KIND, KUBELET_SERVING, SigningRequest, read_signing_request
from csr_approver.policy.settings import Mode
from csr_approver.policy.verdict import Verdict

_NODES_PATH = "/api/v1/nodes"
_NODES_PERMISSION = "list on nodes"
# A page: so much is held at a time, is one call of EC2, and asks the resolver some 1,000 questions at once, which is
# what Route 53 takes of one interface in a second.
_BATCH = 500


_PERMISSIONS: Mapping[str, str] = {
    Reason.CLUSTER_UNREADABLE: "eks:DescribeCluster",
    Reason.INSTANCE_UNREADABLE: "ec2:DescribeInstances",
    Reason.INSTANCE_PROFILE_UNREADABLE: "iam:GetInstanceProfile",
    Reason.TRUST_POLICY_UNREADABLE: "iam:GetRole",
}


class Reader:
    """The cluster, AWS and the files that the arguments name. Everything raises BotoCoreError and InputError."""

    def __init__(self, arguments: argparse.Namespace, live: Live, warn: Callable[[str], None]) -> None:
        self._arguments, self._live, self._warn = arguments, live, warn

    def requests(self) -> Iterator[RequestState]:
        """Every kubelet-serving request. AWS is only asked if one of them is open."""
        documents, read = iter(self._documents()), 0
        while batch := list(islice(documents, _BATCH)):
            read += len(batch)
            progress(f"requests: {read} read")
            yield from self._states(batch)
        progress("")

    def nodes(self) -> dict[str, NodeState] | None:
        """By name; None where they are not to be known."""
        if self._arguments.nodes:
            documents: Iterable[Any] = read_objects(self._arguments.nodes, "Node", "kubectl get nodes -o json")
        elif self._arguments.csr:
            return None
        else:
            documents = self._live.kubernetes.items(_NODES_PATH)
        nodes: dict[str, NodeState] = {}
        try:
            for node in map(node_state, documents):
                nodes[node.name] = node
                if len(nodes) % _BATCH == 0:
                    progress(f"nodes: {len(nodes)} read")
        except KubernetesError as error:
            failure = cluster_failure(error, "the nodes", _NODES_PERMISSION)
            if error.status != 403 or self._arguments.tls:
                raise failure from None
            self._warn(f"{failure}; going on without them")
            return None
        finally:
            progress("")
        return nodes

    def looks(self, nodes: Mapping[str, NodeState]) -> dict[str, Look]:
        """What each node presents."""
        try:
            looker = Looker(self._authority_pem())
        except ValueError as error:
            where = self._arguments.kubelet_ca or "the kubeconfig's certificate-authority"
            raise InputError(f"{where}: {error}") from None
        looks: dict[str, Look] = {}
        for node, look in looker.look_at(list(nodes.values())):
            looks[node.name] = look
            progress(f"kubelets: looked at {len(looks)} of {len(nodes)}")
        progress("")
        return looks

    def warn_of_gaps(self, requests: Iterable[RequestState]) -> None:
        """Once for each of AWS's answers that was missing: the function may get it."""
        gaps = {
            reason: request.outcome
            for request in requests
            for reason in request.outcome.reasons
            if reason in _PERMISSIONS
        }
        for reason, outcome in gaps.items():
            self._warn(
                f"not judged in full: {outcome.detail} (it takes {_PERMISSIONS[reason]}; the function may have it)"
            )

    def settings_note(self) -> str | None:
        """By which settings requests were judged; None if none was."""
        return self._live.settings_note() if "_sources" in vars(self) else None

    @cached_property
    def _sources(self) -> Sources:
        """Of an approver that judges approved requests too: why was none of them issued?"""
        return find_sources(self._arguments, self._live, self._warn, mode=Mode.OBSERVE)

    @cached_property
    def _diagnoser(self) -> Diagnoser:
        may_ask = self._sources.live and self._arguments.csr is None
        return Diagnoser(self._live, self._sources.settings.cluster.name, may_ask=may_ask)

    def _documents(self) -> Iterator[Any]:
        if path := self._arguments.csr:
            documents = read_requests(path)
            if documents and not any(isinstance(each, Mapping) and each.get("kind") == KIND for each in documents):
                raise InputError(f"{path}: holds no {KIND}; expected what `kubectl get csr -o json` prints")
            yield from documents
            return
        try:
            for item in self._live.kubernetes.items(
                REQUESTS_PATH, {"fieldSelector": f"spec.signerName={KUBELET_SERVING}"}
            ):
                # The items of a list carry no kind.
                yield {"kind": KIND, **item}
        except KubernetesError as error:
            raise cluster_failure(error, "the requests", f"list on {RESOURCE}") from None

    def _states(self, documents: Iterable[Any]) -> Iterator[RequestState]:
        read = [(document, read_signing_request(document)) for document in documents]
        read = [(document, request) for document, request in read if request.signer_name == KUBELET_SERVING]
        verdicts = iter(self._verdicts([request for _, request in read if not is_over(request)]))
        for document, request in read:
            if is_over(request):
                yield ended_request(document, request, self._diagnose)
            else:
                yield open_request(document, request, next(verdicts), self._diagnose(request))

    def _diagnose(self, request: SigningRequest) -> Diagnosis | None:
        return self._diagnoser.diagnose(request)

    def _verdicts(self, requests: Sequence[SigningRequest]) -> list[Verdict]:
        if not requests:
            return []
        verdicts = {assessment.position: assessment.verdict for assessment in self._sources.assessor.assess(requests)}
        return [verdicts[position] for position in range(len(requests))]

    def _authority_pem(self) -> str:
        if path := self._arguments.kubelet_ca:
            return read_text(path)
        try:
            authority = self._live.kubernetes.authority_pem
        except InputError as error:
            raise InputError(f"{error}; or give --kubelet-ca FILE") from None
        if authority is None:
            raise InputError("the kubeconfig names no certificate-authority of the cluster: give --kubelet-ca FILE")
        return authority
