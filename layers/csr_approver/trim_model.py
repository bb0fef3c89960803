"""Leave of a service model of botocore only these operations: `python trim_model.py service-2.json.gz OPERATION...`.

EC2's has hundreds, and with all of them a cold start takes a sixth longer, and a sixth more memory.
"""

import gzip
import json
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any


def trimmed(model: dict[str, Any], operations: Collection[str]) -> dict[str, Any]:
    """The model with these operations and the shapes that they need. Raises KeyError for one that it does not have."""
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = list(_shape_names(kept))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shape_names(shapes[name])
    return {**model, "operations": kept, "shapes": shapes}


def _shape_names(node: Any) -> Iterator[str]:
    """Wherever a shape refers to another one, botocore has {"shape": its name}."""
    if isinstance(node, dict):
        if isinstance(name := node.get("shape"), str):
            yield name
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _shape_names(each)


def main(path: Path, operations: Collection[str]) -> None:
    """Replace the file, by one that is the same whenever it is made."""
    model = json.loads(gzip.decompress(path.read_bytes()))
    text = json.dumps(trimmed(model, operations), separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
