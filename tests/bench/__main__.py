"""`make bench`: every benchmark, each figure beside its limit. Exit status 1 if one is not kept.

`--json` for programs; names of benchmarks (verdict, watcher) run only these.
"""

import json
import sys

from tests.bench import verdict, watcher

_BENCHMARKS = {"verdict": verdict.measure, "watcher": watcher.measure}


def main() -> None:
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")] or list(_BENCHMARKS)
    as_json = "--json" in sys.argv
    tables = {}
    for name in wanted:
        tables[name] = _BENCHMARKS[name]()
        if not as_json:
            print(tables[name].text(), flush=True)
    if as_json:
        print(json.dumps({name: {row.key: row.value for row in table.rows} for name, table in tables.items()}))
    sys.exit(any(row.failed for table in tables.values() for row in table.rows))


if __name__ == "__main__":
    main()
