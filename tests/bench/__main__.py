"""`make bench`: every benchmark, each figure beside its limit. Exit status 1 if one is not kept.

Names of benchmarks (verdict, storm, latency, growth, watcher, artifact) run only these. `artifact` runs only by name:
it needs what `make test-artifact` builds. The figures are also written to .bench/latest.json, and with `--json` printed
as that, in place of the tables.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.artifact.place import NotThereError
from tests.bench import cold_start, growth, latency, storm, verdict, watcher
from tests.controlplane import AssetsNotFoundError

_BENCHMARKS = {
    "verdict": verdict.measure,
    "storm": storm.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "watcher": watcher.measure,
    "artifact": cold_start.measure,
}
_BY_DEFAULT = [name for name in _BENCHMARKS if name != "artifact"]
_LATEST = Path(__file__).parents[2] / ".bench/latest.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="measure, each figure beside its limit")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(_BENCHMARKS)}; by default all but the last"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in _BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(_BENCHMARKS)}")
    tables = {}
    for name in arguments.names or _BY_DEFAULT:
        try:
            tables[name] = _BENCHMARKS[name]()
        except NotThereError as error:
            sys.exit(str(error))
        except AssetsNotFoundError as error:
            print(f"{name}: left out, for it needs a real API server: {error}", file=sys.stderr)
            continue
        if not arguments.json:
            print(tables[name].text(), flush=True)
    document = json.dumps({name: {row.key: row.document() for row in table.rows} for name, table in tables.items()})
    _LATEST.parent.mkdir(exist_ok=True)
    _LATEST.write_text(document + "\n")
    if arguments.json:
        print(document)
    missed = [f"{name}: {row.complaint}" for name, table in tables.items() for row in table.rows if row.failed]
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
