"""`csr-approver replay`: play sample events through the real handlers, on this machine.

AWS, DNS and the API server are local; with --kubeconfig the API server is a real one, which the samples are written to:
take a test cluster's. Needs the extra `replay`.

Exit status: 0 when every request ended as its sample says, 1 when one did not, 2 for a usage or input error.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from csr_approver.cli.inputs import InputError
from csr_approver.cli.terminal import progress

_FAILED = 1

SUMMARY = "play sample events through the real handlers, on this machine"
EXAMPLES = """\
examples:
  csr-approver replay events
  csr-approver replay events/11-pod-address --output json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Samples, and the cluster that they are played against."""
    parser.add_argument(
        "events",
        nargs="+",
        type=Path,
        metavar="EVENT",
        help="a sample's folder, its event.json, or a folder of samples",
    )
    parser.add_argument("--kubeconfig", metavar="FILE", help="a real cluster's, instead of the embedded API server")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], _: Callable[[str], None]) -> int:
    """Exit status 0 only if every request ended as its sample says. Raises InputError."""
    if find_spec("csr_approver_local") is None or find_spec("moto") is None:
        raise InputError("replay needs the extra of that name: pip install '.[replay]' in a checkout")
    from csr_approver_local.replay import as_json, play  # noqa: PLC0415 - only there with the extra
    from csr_approver_local.replay_table import summary, table  # noqa: PLC0415
    from csr_approver_local.samples import Sample, SampleError, find_samples  # noqa: PLC0415

    started = time.monotonic()
    try:
        samples = [Sample.load(folder) for folder in find_samples(arguments.events)]
        rows = []
        for number, sample in enumerate(samples, start=1):
            progress(f"{number}/{len(samples)} {sample.name}")
            rows += play(sample, arguments.kubeconfig)
    except (SampleError, ValueError) as error:
        raise InputError(str(error)) from None
    finally:
        progress("")
    if arguments.output == "json":
        tell("\n".join(json.dumps(as_json(row)) for row in rows))
    else:
        tell("\n".join([*table(rows), "", summary(rows, time.monotonic() - started)]))
    return _FAILED if any(row.problem for row in rows) else 0
