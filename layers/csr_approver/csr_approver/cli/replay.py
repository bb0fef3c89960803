"""`csr-approver replay`: play sample events through the real handlers, on this machine."""

import argparse
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from csr_approver.cli.inputs import InputError

_FAILED = 1


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


def run(arguments: argparse.Namespace) -> int:
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
            _progress(f"{number}/{len(samples)} {sample.name}")
            rows += play(sample, arguments.kubeconfig)
    except (SampleError, ValueError) as error:
        raise InputError(str(error)) from None
    finally:
        _progress("")
    if arguments.output == "json":
        print("\n".join(json.dumps(as_json(row)) for row in rows))
    else:
        print("\n".join([*table(rows), "", summary(rows, time.monotonic() - started)]))
    return _FAILED if any(row.problem for row in rows) else 0


def _progress(text: str) -> None:
    """On a terminal, which sample is being played; the table comes last."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
