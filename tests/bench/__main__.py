"""`make bench`: every benchmark, each figure beside its limit. Exit status 1 if one is not kept.

`--json` for programs; names of benchmarks (verdict, watcher, artifact) run only these. `artifact` runs only by name:
it needs what `make test-artifact` builds.
"""

import json
import sys

from tests.artifact.place import NotThereError
from tests.bench import cold_start, verdict, watcher

_BENCHMARKS = {"verdict": verdict.measure, "watcher": watcher.measure, "artifact": cold_start.measure}
_BY_DEFAULT = ("verdict", "watcher")


def main() -> None:
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")] or _BY_DEFAULT
    as_json = "--json" in sys.argv
    tables = {}
    for name in wanted:
        try:
            tables[name] = _BENCHMARKS[name]()
        except NotThereError as error:
            sys.exit(str(error))
        if not as_json:
            print(tables[name].text(), flush=True)
    if as_json:
        print(json.dumps({name: {row.key: row.value for row in table.rows} for name, table in tables.items()}))
    sys.exit(any(row.failed for table in tables.values() for row in table.rows))


if __name__ == "__main__":
    main()
