"""`csr-approver completion`: print the script with which a shell completes this command.

The scripts are made from the command's own options. Load one anew after an upgrade.
"""

import argparse
from collections.abc import Callable
from importlib.resources import files

SHELLS = ("bash", "zsh", "fish")

SUMMARY = "print the script with which a shell completes this command"
EXAMPLES = """\
examples:
  source <(csr-approver completion bash)    # now; in ~/.bashrc: for good
  csr-approver completion bash > ~/.local/share/bash-completion/completions/csr-approver
  csr-approver completion zsh > ~/.zfunc/_csr-approver    # before compinit in ~/.zshrc: fpath+=(~/.zfunc)
  csr-approver completion fish > ~/.config/fish/completions/csr-approver.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(arguments: argparse.Namespace, tell: Callable[[str], None], _: Callable[[str], None]) -> int:
    """Print the script that lies beside the code."""
    script = files("csr_approver.cli") / "completions" / f"csr-approver.{arguments.shell}"
    tell(script.read_text(encoding="utf-8").rstrip("\n"))
    return 0
