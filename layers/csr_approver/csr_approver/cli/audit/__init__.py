"""`csr-approver audit`: every kubelet-serving request of a cluster and the nodes behind them, the worst first.

What to run before an upgrade: it finds the nodes whose kubelet has no serving certificate or will have none, and says
why. Each line is a node, or whoever else made a request; the newest request speaks for those before it ("+99" counts
them). Open requests are judged as the function would judge them, and so are those that somebody approved and nobody
issued. AWS is only asked if there are any. Nothing is written.

Kubernetes deletes a request an hour after its decision, a pending one after a day, and one that was approved and never
issued not at all. So a node without a request (Unseen) most likely has its certificate. Only --tls knows: it connects
to the kubelet of every node, and compares what that presents with the cluster's authority, the clock, and the node's
own name and address. Kubelets log a handshake that fails. Addresses and ports are those that the nodes tell.

The states, as STATE shows them:

    WrongMapping    a kubelet came as another user than the node's: its IAM role is mapped wrongly
    NoCertificate   the kubelet has none, and refuses TLS (tls: internal error); --tls
    SelfSigned      the kubelet presents a certificate that it made for itself; --tls
    OtherAuthority  the certificate is not of the cluster's authority; --tls
    Expired         the certificate is not valid now
    NameMissing     the certificate is not for the node's own name and address; --tls
    Failed          the signer refused an approved request
    Denied          the request was denied
    NotIssued       approved more than a minute ago, and there is no certificate
    Pending         nobody has decided; REASON says what this approver would do
    Expiring        less than a tenth of the lifetime is left: it is not renewed
    NoRequest       the node is younger than an hour, and made no request
    Unreachable     the kubelet does not answer from here; --tls
    Issued          the newest request got its certificate
    Serving         the kubelet presents a good certificate; --tls
    Unseen          the node has no request any more

It takes the right to list certificatesigningrequests and nodes, and for open requests what `explain` takes.

Exit status: 0 when nothing needs anybody, 1 when something does, 2 for a usage or input error.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from csr_approver.cli.audit.entries import Snapshot, entries
from csr_approver.cli.audit.reading import Reader
from csr_approver.cli.audit.rendering import FORMS, Audit
from csr_approver.cli.audit.states import Severity
from csr_approver.cli.inputs import InputError
from csr_approver.cli.live import Live, add_live_arguments
from csr_approver.cli.sources import add_source_files, time_argument

SUMMARY = "every kubelet-serving request of a cluster and the nodes behind them"
EXAMPLES = """\
examples:
  csr-approver audit                                  # what in this cluster needs somebody?
  csr-approver audit --tls                            # from inside the VPC: what does every kubelet present?
  csr-approver audit --all --output yaml              # all nodes, for a file
  csr-approver audit --stack csr-approver-demo        # with the settings of the deployed functions
  kubectl get csr -o json > csr.json; kubectl get nodes -o json > nodes.json
  csr-approver audit --csr csr.json --nodes nodes.json
"""

_NEEDS_SOMEBODY = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is looked at, and how it is told."""
    parser.add_argument("--tls", action="store_true", help="look what the kubelet of every node presents")
    parser.add_argument("--all", action="store_true", help="list also what is fine")
    parser.add_argument("--output", choices=tuple(FORMS), default="table")
    parser.add_argument("--now", metavar="TIME", type=time_argument, help="as at this time (RFC 3339)")
    parser.add_argument("--nodes", type=Path, metavar="FILE", help="as `kubectl get nodes -o json|yaml` prints")
    parser.add_argument(
        "--kubelet-ca",
        type=Path,
        metavar="FILE",
        help="what signs for kubelets, PEM; the kubeconfig's certificate-authority, if not given",
    )
    add_source_files(parser)
    add_live_arguments(parser)


def run(arguments: argparse.Namespace, tell: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Exit status 1 if something needs somebody. Raises BotoCoreError, InputError, KubernetesError, SettingsError."""
    if arguments.tls and arguments.csr and not arguments.nodes:
        raise InputError("--tls looks at nodes, and --csr FILE holds none: give --nodes FILE too")
    reader = Reader(arguments, Live(arguments, warn), warn)
    nodes = reader.nodes()
    requests = list(reader.requests())
    reader.warn_of_gaps(requests)
    looks = reader.looks(nodes) if arguments.tls and nodes else {}
    now = arguments.now or datetime.now(UTC)
    snapshot = Snapshot(requests, nodes, looks, is_current=not arguments.csr or arguments.now is not None)
    found = entries(snapshot, now)
    audit = Audit(now, found, len(requests), None if nodes is None else len(nodes), reader.settings_note())
    urgent = [entry for entry in found if entry.severity is not Severity.FINE]
    tell(FORMS[arguments.output](audit, found if arguments.all else urgent))
    return _NEEDS_SOMEBODY if urgent else 0
