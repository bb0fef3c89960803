"""`csr-approver explain`: decide requests the way the function would, write nothing, and say why.

NAME is a request, or a node (its name or its instance id) whose newest pending request is meant. Text output is a list
of every check with what was asked, what was found and what is permitted, then each reason with what to do about it;
where the node's IAM role is mapped to the wrong user, the commands that mend that. The settings are those of --set,
else of the environment (CSR_APPROVER_...), else of --stack, else the defaults.

Exit status: 0 when every request got a verdict, whichever it is; 2 for a usage or input error. With --watch: 0 when
the request was issued, 1 when it was denied, failed or deleted.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from csr_approver.cli.find import FiledRequests, LiveRequests, find
from csr_approver.cli.follow import Follower
from csr_approver.cli.inputs import InputError
from csr_approver.cli.live import Live, add_live_arguments
from csr_approver.cli.mapping_sources import Diagnoser
from csr_approver.cli.report import Explanation, json_line, text_block, wrapped
from csr_approver.cli.sources import add_source_files, find_sources, time_argument
from csr_approver.policy.request import read_signing_request

SUMMARY = "decide requests as the function would, write nothing, and say why"
EXAMPLES = """\
examples:
  csr-approver explain csr-6plsz                                # by the kubeconfig, AWS profile and resolver at hand
  csr-approver explain ip-10-0-1-23.us-west-2.compute.internal  # a node's newest request
  csr-approver explain csr-6plsz --stack csr-approver-demo      # with the settings of the deployed functions
  csr-approver explain csr-6plsz --watch                        # until it is issued
  kubectl get csr -o json > csr.json; csr-approver explain --csr csr.json
  csr-approver explain --csr csr.json --instances instances.json --instance-profiles profiles.json \\
      --roles roles.json --cluster cluster.json --zone zone.db --output json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of DESIGN section 5."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="requests to explain, or nodes, of which the newest pending request; none: every object in --csr",
    )
    parser.add_argument("--watch", action="store_true", help="follow the one request until it is issued or over")
    add_source_files(parser)
    add_live_arguments(parser)
    parser.add_argument("--now", metavar="TIME", type=time_argument, help="decide as at this time (RFC 3339)")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Print one verdict a request, in the order of the requests, or follow one of them.

    The exit status of --watch is 0 when the request was issued, 1 when it ended in another way. Raises BotoCoreError,
    InputError and SettingsError.
    """
    if arguments.watch:
        _require_watchable(arguments)
    live = Live(arguments, warn)
    documents = _documents(arguments, live, warn)
    explainer = Explainer(arguments, live, warn)
    if arguments.output == "json":
        for explanation in explainer.explain(documents):
            tell(json_line(explanation))
        return 0
    tell("\n".join([*wrapped(f"settings   {live.settings_note()}", "  ", " " * 13), ""]))
    if arguments.watch:
        return Follower(live.kubernetes, explainer.explain, tell, warn).follow(documents[0])
    now = arguments.now or datetime.now(UTC)
    for explanation in explainer.explain(documents):
        tell(text_block(explanation, now))
    return 0


class Explainer:
    """The sources that the arguments name, and how a verdict comes from them."""

    def __init__(self, arguments: argparse.Namespace, live: Live, warn: Callable[[str], None]) -> None:
        self._sources = find_sources(arguments, live, warn)
        self._all_live = self._sources.live and arguments.csr is None
        self._diagnoser = Diagnoser(live, self._sources.settings.cluster.name, may_ask=self._all_live)

    def explain(self, documents: Sequence[Any]) -> list[Explanation]:
        """One explanation a request, in the order of the requests."""
        requests = [read_signing_request(document) for document in documents]
        assessments = {assessment.position: assessment for assessment in self._sources.assessor.assess(requests)}
        return [
            Explanation(
                document,
                request,
                assessments[position],
                self._sources.cluster,
                self._sources.settings,
                self._diagnoser.diagnose(request),
                self._all_live,
            )
            for position, (document, request) in enumerate(zip(documents, requests, strict=True))
        ]


def _require_watchable(arguments: argparse.Namespace) -> None:
    if arguments.csr or arguments.now or arguments.output == "json" or len(arguments.names) != 1:
        raise InputError(
            "--watch follows one NAME in the cluster, now, as text: without --csr, --now and --output json"
        )


def _documents(arguments: argparse.Namespace, live: Live, warn: Callable[[str], None]) -> Sequence[Any]:
    if arguments.csr is None:
        if not arguments.names:
            raise InputError("name at least one request or node, or give --csr FILE")
        return find(arguments.names, LiveRequests(lambda: live.kubernetes), warn)
    requests = FiledRequests(arguments.csr)
    return find(arguments.names, requests, warn) if arguments.names else list(requests.every())
