"""The files that are made from the command's parser: `python -m tests.generated` writes them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from csr_approver.cli.completion import SHELLS
from tests.completions import script
from tests.manual import manual

_ROOT = Path(__file__).parents[1]
_SCRIPTS = _ROOT / "layers/csr_approver/csr_approver/cli/completions"

FILES: Mapping[Path, Callable[[], str]] = {
    _ROOT / "docs/cli.md": manual,
    **{_SCRIPTS / f"csr-approver.{shell}": partial(script, shell) for shell in SHELLS},
}
"""What makes each of them."""


if __name__ == "__main__":
    for path, make in FILES.items():
        path.write_text(make(), encoding="utf-8")
        print(path.relative_to(_ROOT))
