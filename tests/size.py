"""What the built functions weigh, beside what Lambda takes: `python -m tests.size .aws-sam/build`.

Needs nothing but Python, so that `make build` weighs what it made wherever it runs.
"""

import io
import sys
import zipfile
from pathlib import Path

_FUNCTIONS = ("ApproverFunction", "DenialRecorderFunction")
_LAYER = "CsrApproverLayer"
# A function with its layers, unzipped (Lambda Developer Guide, "Lambda quotas").
_QUOTA_MB = 250
# Room for new versions of what is in the layer now. More than that is something that should not be in it.
_MOST_MB = 75


def unzipped_mb(folder: Path) -> float:
    """The files' sizes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def zipped_mb(folder: Path) -> float:
    """As `sam deploy` uploads it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    return memory.tell() / 1e6


def main(build: Path) -> int:
    """Prints a line a part; 1 if a function with its layer is too large."""
    unzipped = {part: unzipped_mb(build / part) for part in (*_FUNCTIONS, _LAYER)}
    for part, size in unzipped.items():
        print(f"{part:24} {size:6.2f} MB unzipped {zipped_mb(build / part):6.2f} MB zipped")
    largest = unzipped[_LAYER] + max(unzipped[function] for function in _FUNCTIONS)
    print(f"{'a function with layer':24} {largest:6.2f} MB unzipped, at most {_MOST_MB} here, {_QUOTA_MB} in Lambda")
    return int(largest > _MOST_MB)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
